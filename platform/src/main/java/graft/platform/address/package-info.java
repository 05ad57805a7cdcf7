/**
 * The three kinds of address that must never be mixed: in a file, in an ELF image, in another process.
 * Open {@link graft.platform.address.RemoteAddress} first. Pure values; depends on nothing.
 */
package graft.platform.address;
