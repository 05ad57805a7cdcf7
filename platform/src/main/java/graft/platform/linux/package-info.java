/**
 * Bindings to the C library and the kernel, one class per header area, static methods with the C names. Every call
 * captures errno and throws {@link graft.platform.linux.SysException} at once. No domain knowledge lives here.
 * Open {@code NativeCalls} first.
 */
package graft.platform.linux;
