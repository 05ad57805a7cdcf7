/**
 * Assembler text to machine code by Keystone, which is optional and never bundled: an installed {@code libkeystone.so}
 * that knows x86, else the WebAssembly build that {@code setup/fetch-keystone} puts into the user's cache, run in this
 * process on Endive. Start with {@link graft.platform.keystone.KeystoneEngine}.
 *
 * <p>It serves what people type, and tests. Code that graft generates is written by {@code graft.platform.asm.x86_64}.
 * An engine belongs to the thread that opened it.
 */
package graft.platform.keystone;
