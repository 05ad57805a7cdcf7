package graft.cli.load;

/**
 * What a load generator counted.
 *
 * @param requests answered requests, failed ones included
 * @param perSecond requests per second over the run
 * @param badStatus answers with a status other than 2xx and 3xx
 * @param socketErrors connections refused, reads and writes that failed, timeouts
 */
public record LoadResult(long requests, double perSecond, long badStatus, long socketErrors) {

    /** Whether every request was answered as it should. */
    public boolean isClean() {
        return badStatus == 0 && socketErrors == 0;
    }
}
