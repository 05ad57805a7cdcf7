package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;

/**
 * One program run at a site.
 *
 * @param thunk the thunk of the program for the site's kind
 * @param functionIp what the program sees as the probed address
 * @param cookie the attach cookie
 */
public record ProbeCall(RemoteAddress thunk, RemoteAddress functionIp, long cookie) {}
