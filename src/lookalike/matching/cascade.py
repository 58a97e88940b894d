"""Run the cascade: from described images to accepted pairs, by pixels, hashes and keypoints.

Each step decides what it can and leaves the rest to the next, dearer one. Contents, not files,
are compared: files with the same bytes share one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np

from lookalike.clustering.components import components
from lookalike.clustering.stars import agglomerate, star, star_pairs
from lookalike.config import FindConfig
from lookalike.descriptors.hashes import ORIENTATIONS
from lookalike.descriptors.keypoints import KINDS, KeypointKind
from lookalike.index.blocks import among_nearest
from lookalike.matching.backdrops import Frames, with_backdrops
from lookalike.matching.candidates import HashPairs, Stages
from lookalike.matching.every_pair import confirm_every_pair
from lookalike.matching.judge import same_frames
from lookalike.matching.limits import CASCADE
from lookalike.matching.match_graph import Found, Lead, Pair, Pairs, graph_of
from lookalike.matching.shots import add_shots, add_similar
from lookalike.matching.verify_rounds import settle
from lookalike.model.image import ImageRef
from lookalike.model.match import Match
from lookalike.model.protocols import Descriptor
from lookalike.verification.confidence import certain_enough, with_confidence
from lookalike.verification.plain import is_plain, plain_pairs
from lookalike.verification.whole_frame import explain_whole_frames

__all__ = ["find_pairs"]


Connected = Callable[[Iterable[str], Sequence[Pair]], list[list[str]]]

# which orientations of ``ORIENTATIONS`` are reflections
_MIRRORED = [sum(orientation) % 2 == 1 for orientation in ORIENTATIONS]
# share of the pairs between two parts that must match for them to be joined
_LEAST_MATCHING = {"complete": 1.0, "average": 0.5, "single": 0.0}


def find_pairs(
    images: Sequence[ImageRef],
    stages: Stages,
    config: FindConfig,
    *,
    network: Descriptor | None,
) -> Found:
    """Find every accepted pair among distinct contents, and cluster them.

    Args:
        images: one image a content, sorted by id; hashes pass over those of low information,
            and plain ones are compared as they look.
        stages: measures them.
        config: settings.
        network: proposes candidates, where the effort uses one.
    """
    pairs = Pairs({image.sha256: image for image in images})
    told = (pair for pair in stages.apart if pairs.images.keys() >= {*pair})
    pairs.apart = frozenset(pairs.order(*pair) for pair in told)
    telling = [image.sha256 for image in images if not image.low_information]
    plain = [image.sha256 for image in images if is_plain(image)]
    proposed: dict[Pair, Lead] = {}
    clear = any(image.transparent for image in images)
    if max(len(telling), len(plain)) > 1 or (clear and len(images) > 1):
        proposed = _by_whole_frame(pairs, telling, plain, stages, config)
    if len(images) > 1 and config.effort != "fast":
        _by_evidence(pairs, proposed, stages, config, network)
    pairs.matches = with_confidence(pairs.matches)
    if config.precision is not None:
        kept = certain_enough(pairs.matches, config.precision)
        pairs.counts["too_doubtful"] = len(pairs.matches) - len(kept)
        pairs.matches = kept
    names = ("hash_candidates", "hash_accepted", "embedding_within_range", "local_candidates")
    more = ("candidates", "verified", "verified_accepted", "too_doubtful")
    counts = {name: pairs.counts[name] for name in (*names, *more)}
    return Found(tuple(pairs.matches.values()), _parts(pairs, config, stages.components), counts)


def _by_evidence(
    pairs: Pairs,
    proposed: dict[Pair, Lead],
    stages: Stages,
    config: FindConfig,
    network: Descriptor | None,
) -> None:
    """Propose pairs by keypoints or a network, and let keypoints and pixels decide."""
    centres = _one_per_picture(pairs, turned=network is not None)
    near: dict[Pair, float] = {}
    if network is not None:
        near = _by_embedding(pairs, stages.embed(network, centres), stages, config, network)
    asked = near if config.embedding.proposes else {}
    standing = {*centres}
    leads = {pair: Lead(1.0 + distance) for pair, distance in asked.items()}
    leads |= {pair: lead for pair, lead in proposed.items() if standing.issuperset(pair)}
    shots: dict[Pair, Match] = {}
    for name in config.kinds:
        kind = KINDS[name]
        for pair, lead in _by_keypoints(pairs, centres, config, stages, kind).items():
            leads[pair] = min(lead, leads.get(pair, lead))
        verify = pairs.unless_apart(partial(stages.verify, kind=kind))
        shots |= settle(pairs, leads, verify, config.settle)
        # dearer keypoints are only for what cheaper ones left alone
        centres, leads = _few_per_cluster(pairs), {}
    if _LEAST_MATCHING.get(config.cluster.linkage, 0.0) > 0:
        for name in config.kinds:
            verify = pairs.unless_apart(partial(stages.verify, kind=KINDS[name]))
            confirm_every_pair(pairs, verify, config.settle)
    if config.cluster.similar:
        add_shots(pairs, shots)
    if network is not None and config.cluster.similar:
        add_similar(pairs, near, config.embedding.similar_distance, network.spec.name)
        pairs.part_told_apart()


def _few_per_cluster(pairs: Pairs) -> list[str]:
    """Choose contents for dearer keypoints: unmatched ones, centres, and what lies inside a centre.

    Where a page is the centre, the bare picture in it finds other pages that show it.
    """
    graph = pairs.graph()
    others: set[str] = set()
    typical = pairs.typical()
    for group in components(pairs.images, pairs.matches):
        for centre, members in star(group, graph, typical):
            inside = {
                m: area for m in members if m != centre and (area := _inside(pairs, centre, m))
            }
            bare = max(sorted(inside), key=inside.__getitem__, default=centre)
            others |= {*members} - {centre, bare}
    return [sha for sha in pairs.images if sha not in others]


def _inside(pairs: Pairs, centre: str, member: str) -> float:
    """Measure the share of ``centre`` that ``member`` shows; 0 where it shows all, or other things.

    What is as large as the centre shows it was cut from there, most likely: that does not count.
    """
    pair = pairs.order(centre, member)
    seen = pairs.matches[pair].verification
    if seen is None:
        return 0.0
    shown, own = seen.overlap_query, seen.overlap_ref
    if pair[0] == member:
        shown, own = own, shown
    is_part = own >= CASCADE.inside and shown < CASCADE.not_all
    return shown if is_part and abs(seen.scale - 1.0) > CASCADE.same_scale else 0.0


def _by_whole_frame(
    pairs: Pairs,
    telling: Sequence[str],
    plain: Sequence[str],
    stages: Stages,
    config: FindConfig,
) -> dict[Pair, Lead]:
    """Accept whole frames by PDQ and thumbs; return the hash candidates left undecided."""
    images = pairs.images
    clear = [sha for sha, image in images.items() if image.transparent]
    shas = sorted({*telling, *plain, *clear}, key=lambda sha: images[sha].id)
    frames = _near_frames(pairs, shas, (telling, plain), stages)
    near = frames.near
    query, ref = frames.contents
    same = _same_pixels(pairs, shas, frames, stages)
    agreement = stages.thumb_agreement(frames.names, near.query, near.ref, near.turn)
    sizes = np.array([(images[sha].width, images[sha].height) for sha in shas], np.int64)
    accepted = same_frames(sizes[query], sizes[ref], near.turn, agreement, config.hashes)
    as_they_look = {*plain}
    accepted |= frames.is_plain & np.array([sha in as_they_look for sha in shas], bool)[query]
    rows = frames.first(np.flatnonzero(accepted))
    if config.cluster.linkage == "star":
        # a thousand near-identical pictures are half a million pairs
        order = sorted(range(len(shas)), key=lambda n: (*pairs.rank(shas[n]), n))
        rows = rows[star_pairs(query[rows], ref[rows], order, CASCADE.small_star)]
    found = explain_whole_frames(
        [images[shas[n]] for n in query[rows].tolist()],
        [images[shas[n]] for n in ref[rows].tolist()],
        near.turn[rows],
        agreement.take(rows),
    )
    for a, b, distance, seen in zip(
        query[rows].tolist(), ref[rows].tolist(), near.bits[rows].tolist(), found, strict=True
    ):
        pair = (shas[a], shas[b])
        metric = "thumb" if shas[a] in as_they_look else "pdq"
        pairs.matches[pair] = Match(*pair, "copy", float(distance), metric, seen)
    for pair in same:
        pairs.matches[pair] = Match(*pair, "pixel", 0.0, "pixels")
    pairs.part_told_apart()
    pairs.counts["hash_accepted"] = len(pairs.matches)
    left = np.flatnonzero(frames.is_plain & ~accepted)
    return {
        (shas[a], shas[b]): Lead(distance / 256.0, _MIRRORED[orientation])
        for a, b, distance, orientation in zip(
            query[left].tolist(),
            ref[left].tolist(),
            near.bits[left].tolist(),
            near.turn[left].tolist(),
            strict=True,
        )
        if (shas[a], shas[b]) not in same
    }


def _near_frames(
    pairs: Pairs,
    shas: Sequence[str],
    asked: tuple[Sequence[str], Sequence[str]],
    stages: Stages,
) -> Frames:
    """Propose whole frames by hashes, by how plain ones look, and over backdrops.

    Args:
        pairs: their images.
        shas: contents, in the order of their ids.
        asked: of them those whose hash tells, and those that are plain.
        stages: measures them.
    """
    telling, plain = asked
    place = {sha: n for n, sha in enumerate(shas)}
    telling_at, plain_at = (np.array([place[sha] for sha in some], np.int64) for some in asked)
    near = HashPairs(*np.empty((4, 0), np.int64))
    if len(telling) > 1:
        near |= stages.near_hashes(telling).at(telling_at)
    if len(plain) > 1:
        order = sorted(range(len(plain)), key=lambda n: (*pairs.rank(plain[n]), n))
        sizes = np.array([(pairs.images[sha].width, pairs.images[sha].height) for sha in plain])
        near |= HashPairs(*plain_pairs(stages.thumbs(plain), sizes, order)).at(plain_at)
    frames = with_backdrops([pairs.images[sha] for sha in shas], near, stages)
    looked = np.isin(frames.owner[frames.near.query], plain_at).sum()
    pairs.counts["hash_candidates"] = len(frames.near.query) - int(looked)
    return frames


def _same_pixels(pairs: Pairs, shas: Sequence[str], frames: Frames, stages: Stages) -> set[Pair]:
    """Find pairs whose full-size pixels are equal; only likely ones are decoded in full.

    Two JPEGs of equal pixels hold equal coefficients, and two other files are reduced alike, so
    within a kind their thumbs are equal. A JPEG is reduced by its decoder: between the kinds fine
    texture differs, and a symmetric picture may even seem turned.
    """
    candidates = frames.near.rows(np.flatnonzero(frames.is_plain))
    images = [pairs.images[sha] for sha in shas]
    facts = np.array([(i.width, i.height, i.format == "JPEG") for i in images], np.int64)
    first, second = facts[candidates.query], facts[candidates.ref]
    same_size = (first[:, :2] == second[:, :2]).all(axis=1)
    same_kind = first[:, 2] == second[:, 2]
    likely = same_size & ~same_kind & (candidates.bits <= CASCADE.other_way)
    alike = np.flatnonzero(same_size & same_kind & (candidates.bits <= CASCADE.same_way))
    likely[alike] = stages.equal_thumbs(shas, candidates.query[alike], candidates.ref[alike])
    rows = np.flatnonzero(likely)
    asked = [
        (shas[a], shas[b])
        for a, b in zip(candidates.query[rows], candidates.ref[rows], strict=True)
    ]
    digests = stages.pixel_digests(sorted({sha for pair in asked for sha in pair}))
    return {(a, b) for a, b in asked if a in digests and digests.get(a) == digests.get(b)}


def _one_per_picture(pairs: Pairs, *, turned: bool) -> list[str]:
    """Choose one content for each set that the hash joined.

    Args:
        pairs: what the hash found.
        turned: also one of every orientation, for a network, which sees a turned or mirrored
            picture as another one.
    """
    graph, typical = pairs.graph(), pairs.typical()
    standing = set(pairs.images)
    for group in components(pairs.images, pairs.matches):
        for centre, members in star(group, graph, typical):
            kept = {(False, 0.0): centre}
            for member in sorted(members, key=lambda sha: (*pairs.rank(sha), sha)):
                if turned and member != centre:
                    kept.setdefault(_orientation(pairs, centre, member), member)
            standing -= set(members) - set(kept.values())
    return [sha for sha in pairs.images if sha in standing]


def _orientation(pairs: Pairs, centre: str, member: str) -> tuple[bool, float]:
    """Tell whether ``member`` is mirrored against ``centre``, and its angle."""
    pair = pairs.order(centre, member)
    seen = pairs.matches[pair].verification
    if seen is None:
        return False, 0.0
    turned_back = pair[0] == member and not seen.mirrored
    return seen.mirrored, -seen.angle % 360 if turned_back else seen.angle % 360


def _by_keypoints(
    pairs: Pairs,
    shas: Sequence[str],
    config: FindConfig,
    stages: Stages,
    kind: KeypointKind,
) -> dict[Pair, Lead]:
    """Propose pairs that share keypoints in one pose, those with most of them first."""
    local = config.local
    is_small = len(pairs.images) <= local.every_pair
    leads = {pair: Lead(1.0) for pair in combinations(shas, 2)} if is_small else {}
    found = stages.votes(shas, kind, 1 if is_small else local.min_votes)
    for is_mirrored, (low, high, votes) in zip((False, True), found, strict=True):
        distance = (1.0 / votes).astype(np.float32)
        kept = among_nearest(low, high, distance, local.max_neighbours)
        pairs.counts["local_candidates"] += len(kept)
        for a, b, d in zip(low[kept], high[kept], distance[kept], strict=True):
            pair, lead = (shas[a], shas[b]), Lead(float(d), is_mirrored)
            if is_mirrored and pair in leads:
                first, second = sorted((lead, leads[pair]))
                lead = replace(first, either=second.distance < 1 / CASCADE.either_way)
            leads[pair] = lead
    return leads


def _by_embedding(
    pairs: Pairs,
    shas: Sequence[str],
    stages: Stages,
    config: FindConfig,
    network: Descriptor,
) -> dict[Pair, float]:
    """Propose pairs that a network finds near, among each other's nearest."""
    if len(shas) < 2:
        return {}
    query, ref, distance = stages.near_embeddings(network, shas)
    pairs.counts["embedding_within_range"] = len(query)
    kept = among_nearest(query, ref, distance, config.embedding.max_neighbours)
    return {
        (shas[a], shas[b]): float(d)
        for a, b, d in zip(query[kept], ref[kept], distance[kept], strict=True)
    }


def _parts(
    pairs: Pairs, config: FindConfig, connected: Connected = components
) -> list[tuple[str, list[str]]]:
    """Cluster contents by the linkage asked for: centres and members.

    Stars are made of copies first, so that another shot never parts two copies.
    """
    if config.cluster.linkage == "star":
        similar = [pair for pair, match in pairs.matches.items() if match.tier == "similar"]
        copies = _stars(pairs, list(pairs.matches.keys() - similar), connected)
        return _tied(pairs, copies, similar, connected) if similar else copies
    graph = pairs.graph()
    edges: dict[str, list[tuple[str, str]]] = defaultdict(list)
    groups = connected(pairs.images, list(pairs.matches))
    home = {sha: group[0] for group in groups for sha in group}
    order = sorted(pairs.matches, key=lambda pair: (pairs.matches[pair].distance, pair))
    for pair in order:
        edges[home[pair[0]]].append(pair)
    least = _LEAST_MATCHING[config.cluster.linkage]
    return [
        (star(members, graph, pairs.rank)[0][0], members)
        for group in groups
        for members in agglomerate(group, edges[group[0]], graph, least)
    ]


def _stars(
    pairs: Pairs, edges: Sequence[Pair], connected: Connected
) -> list[tuple[str, list[str]]]:
    graph = graph_of(pairs.images, edges)
    groups = connected(pairs.images, edges)
    return [one for group in groups for one in star(group, graph, pairs.rank)]


def _tied(
    pairs: Pairs, copies: list[tuple[str, list[str]]], similar: Sequence[Pair], connected: Connected
) -> list[tuple[str, list[str]]]:
    """Join stars of copies and single contents that are other shots of one scene."""
    home = {sha: centre for centre, members in copies for sha in members}
    members_of = dict(copies)
    ties = {(home.get(a, a), home.get(b, b)) for a, b in similar}
    parts = _stars(pairs, sorted((a, b) for a, b in ties if a != b), connected)
    tied = {centre for _, centres in parts for centre in centres}
    scenes = [
        (first, sorted(sha for centre in centres for sha in members_of.get(centre, [centre])))
        for first, centres in parts
    ]
    return [part for part in copies if part[0] not in tied] + scenes
