//! Counts the calls of a function, as the libraries of eBPF for Rust define maps and programs: map definitions without
//! BTF in the section `maps`, program sections without a place, constants that a loader may set.
#![no_std]
#![no_main]

use core::ffi::c_void;

#[repr(C)]
pub struct MapDefinition {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    id: u32,
    pinning: u32,
}

const HASH: u32 = 1;
const ARRAY: u32 = 2;

#[no_mangle]
#[link_section = "maps"]
pub static mut CALLS: MapDefinition = definition(ARRAY, 1);

#[no_mangle]
#[link_section = "maps"]
pub static mut BY_SIZE: MapDefinition = definition(HASH, 64);

/// What is added for a call.
#[no_mangle]
pub static STEP: u64 = 1;

#[no_mangle]
pub static mut HITS: u64 = 0;

#[no_mangle]
#[link_section = "license"]
pub static LICENSE: [u8; 4] = *b"GPL\0";

const fn definition(kind: u32, max_entries: u32) -> MapDefinition {
    MapDefinition { kind, key_size: 4, value_size: 8, max_entries, flags: 0, id: 0, pinning: 0 }
}

unsafe fn lookup(map: *mut MapDefinition, key: u32) -> Option<&'static mut u64> {
    let helper: unsafe extern "C" fn(*mut c_void, *const c_void) -> *mut u64 = core::mem::transmute(1usize);
    helper(map as *mut c_void, &key as *const u32 as *const c_void).as_mut()
}

unsafe fn update(map: *mut MapDefinition, key: u32, value: u64) {
    let helper: unsafe extern "C" fn(*mut c_void, *const c_void, *const c_void, u64) -> i64 =
        core::mem::transmute(2usize);
    helper(map as *mut c_void, &key as *const u32 as *const c_void, &value as *const u64 as *const c_void, 0);
}

#[inline(never)]
unsafe fn count(map: *mut MapDefinition, key: u32) {
    let step = core::ptr::read_volatile(&raw const STEP);
    match lookup(map, key) {
        Some(value) => *value += step,
        None => update(map, key, step),
    }
}

#[repr(C)]
pub struct Registers {
    before: [u64; 14],
    rdi: u64,
    after: [u64; 6],
}

#[no_mangle]
#[link_section = "uprobe"]
pub unsafe extern "C" fn on_call(registers: *const Registers) -> u32 {
    HITS += 1;
    count(&raw mut CALLS, 0);
    count(&raw mut BY_SIZE, ((*registers).rdi & 63) as u32);
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
