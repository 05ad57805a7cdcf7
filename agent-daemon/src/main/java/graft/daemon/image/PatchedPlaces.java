package graft.daemon.image;

import graft.platform.address.RemoteAddress;
import graft.rewriter.PatchSite;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The sites of one target, none of which takes an instruction that another one has moved. */
final class PatchedPlaces {
    private final TreeMap<RemoteAddress, PatchSite> sites = new TreeMap<>();

    /**
     * Adds sites that belong together; a site that one of them meets instead, and then adds none. Two probes may share a
     * site.
     */
    Optional<PatchSite> add(List<PatchSite> together) {
        Optional<PatchSite> met = together.stream()
                .filter(site -> !site.equals(sites.get(site.address())))
                .flatMap(site -> before(site).or(() -> behind(site)).stream())
                .findFirst();
        if (met.isEmpty()) {
            together.forEach(site -> sites.put(site.address(), site));
        }
        return met;
    }

    /** The site at or before this one, if it reaches this far. */
    private Optional<PatchSite> before(PatchSite site) {
        return Optional.ofNullable(sites.floorEntry(site.address()))
                .map(Map.Entry::getValue)
                .filter(other -> other.movedEnd().compareTo(site.address()) > 0);
    }

    private Optional<PatchSite> behind(PatchSite site) {
        return Optional.ofNullable(sites.higherEntry(site.address()))
                .map(Map.Entry::getValue)
                .filter(other -> site.movedEnd().compareTo(other.address()) > 0);
    }

    boolean holds(PatchSite site) {
        return site.equals(sites.get(site.address()));
    }

    boolean isEmpty() {
        return sites.isEmpty();
    }

    /** All, ascending by address. */
    List<PatchSite> sites() {
        return new ArrayList<>(sites.values());
    }
}
