"""Limits of verification: every number by which two pictures are called one, or two.

``ADR n`` after a field is the decision in ``docs/adr`` that gives the number or why there is one;
``by eye`` means that it was chosen when it was written and no measurement of it is kept. What users
set stands in ``config.stages``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BLOCKS",
    "CERTAINTY",
    "FRAMES",
    "MOTION",
    "PLAIN",
    "POSES",
    "REFINEMENT",
    "THUMBS",
    "WORDS",
    "BlockLimits",
    "CertaintyLimits",
    "EditLimits",
    "FrameLimits",
    "MotionLimits",
    "PlainLimits",
    "PoseLimits",
    "RefinementLimits",
    "ThumbLimits",
]


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """How two frames lie to each other, in the words that every room uses.

    Attributes:
        coinciding: share of either frame that both show, from which they coincide, 0..1 (ADR 12).
        within: share of the one frame that the other shows, from which it lies in it when a match
            is judged, 0..1 (ADR 12).
        wholly: share of a frame that the other shows, from which all of it is there when an edit is
            named or a picture is told inside another: a crop is placed to a pixel or so of its
            plane, 0..1 (by eye).
        same_shape: the larger growth of a frame's sides by the smaller, up to which two frames have
            one shape, from 1 (ADR 24).
        most_stretch: the same up to which any edit goes, from 1 (ADR 12).
    """

    coinciding: float = 0.88
    within: float = 0.985
    wholly: float = 0.97
    same_shape: float = 1.02
    most_stretch: float = 4.0


@dataclass(frozen=True, slots=True)
class PoseLimits:
    """Which transform corresponding keypoints agree with; places in pixels of what they lie in.

    Where a transform enlarges, distances grow with it.

    Attributes:
        most_pairs: correspondences looked at, the surest first (by eye).
        place: pixels from where a hypothesis of one correspondence puts another (ADR 10).
        turn: degrees by which their turns differ (ADR 10).
        octaves: octaves by which their sizes differ (ADR 10).
        tolerances: pixels off an affine map, in each round of least squares (ADR 10).
        least_fitted: correspondences that such a map is fitted to: three fix it (by eye).
        counted: pixels off the map in which a correspondence counts as explained, and off the
            frame in which it lies in place (ADR 10).
        near: pixels off the map in which a homography may explain it (ADR 10).
        bent: pixels off that homography (ADR 10).
        least_bent: places explained, from which a homography is tried (by eye).
        more_near: correspondences near by those explained, above which it is tried (ADR 24).
        more_bent: places it explains by those of the map, above which it is kept (ADR 10).
        homography_tries: samples drawn for it at most (by eye).
        least_growth: smallest growth of any direction: what shrinks more shows nothing (by eye).
        most_growth: largest growth of any direction (by eye).
        most_depth: how much nearer or farther than the first corner a homography puts a place,
            times (by eye).
        many_in_place: places that lie frame on frame, from which less need agree (ADR 24).
    """

    most_pairs: int = 160
    place: float = 16.0
    turn: float = 25.0
    octaves: float = 0.6
    tolerances: tuple[float, ...] = (10.0, 5.0, 2.0, 2.0)
    least_fitted: int = 4
    counted: float = 4.0
    near: float = 24.0
    bent: float = 3.0
    least_bent: int = 8
    more_near: float = 1.25
    more_bent: float = 1.15
    homography_tries: int = 300
    least_growth: float = 0.05
    most_growth: float = 20.0
    most_depth: float = 5.0
    many_in_place: int = 8


@dataclass(frozen=True, slots=True)
class MotionLimits:
    """When corresponding keypoints are of a part that moved by itself (ADR 12).

    Attributes:
        away: pixels from where the transform puts a keypoint, above which it moved, times its
            growth where that is more than 1 (ADR 12).
        farthest: share of the long side that a part moves at most, 0..1 (by eye).
        turn: degrees that it turns at most (by eye).
        octaves: octaves that its size changes at most (by eye).
        together: pixels by which the ways of two keypoints of one part differ, times the growth
            (by eye).
        bent: and for every pixel between them, pixels (by eye).
        part: share of the long side between keypoints of one part, 0..1 (by eye).
        spot: pixels of one place: a corner found on several levels is one (by eye).
    """

    away: float = 4.0
    farthest: float = 0.25
    turn: float = 12.0
    octaves: float = 0.3
    together: float = 4.0
    bent: float = 0.1
    part: float = 0.35
    spot: float = 4.0


@dataclass(frozen=True, slots=True)
class BlockLimits:
    """When blocks of two aligned planes show one texture; variances in squared grey levels.

    Attributes:
        side: pixels of a block's sides (by eye).
        step: pixels from one block to the next (by eye).
        blur: pixels of the two boxes that take the noise of compression away (by eye).
        textured: variance above which a block has texture (by eye).
        faint_share: share of textured blocks, below which a plane is faint, 0..1 (ADR 23).
        noise: variance added to both of two blocks that are correlated, so that what is nearly
            plain correlates less (by eye).
        agreeing: correlation above which two textures are one, −1..1 (by eye).
        fewest: textured blocks, of planes and of thumbs; fewer tell nothing (by eye).
        least_inside: share of a block that lies in both pictures, above which it counts, 0..1 (by
            eye).
        least_growth: area of the one picture in the other, below which the comparison takes place
            in the one's own frame: it would shrink to few pixels, times (by eye).
        magnified: that area above which both are averaged first, times: a side 1.4 times as long
            (ADR 10).
        least_average: pixels over which they then are at least (ADR 10).
        faint: variance beyond a slope, from which a block that has no texture tells (ADR 23).
        faint_noise: added to that variance, as ``noise`` is (by eye).
        enough: agreeing blocks; with fewer, grain tells too (ADR 24).
        grain: variance beyond a slope, from which grain tells (ADR 24).
        grain_noise: how much of that is noise, for which likeness is corrected (ADR 24).
        contrary: variance beyond a slope of the one block, above which its not being in the other
            counts against the pair (ADR 23).
        contrary_below: correlation beyond slopes below which it is not there, −1..1 (by eye).
        lighter: grey levels by which a plain block or cell differs, tones fitted, above which it
            counts against the pair (ADR 23).
        contrast: deviation of luma, grey levels, below which there is no contrast to compare
            (by eye).
        shown: share of a cell of 8×8 of a frame that agrees, from which both show it, 0..1 (by
            eye).
        border_levels: grey levels around the commonest, within which a border is flat (by eye).
        border_share: share of what lies around a picture that is so flat in a border, 0..1 (by
            eye).
    """

    side: int = 12
    step: int = 6
    blur: int = 3
    textured: float = 20.0
    faint_share: float = 0.5
    noise: float = 2.0
    agreeing: float = 0.6
    fewest: int = 3
    least_inside: float = 0.95
    least_growth: float = 0.5
    magnified: float = 2.0
    least_average: int = 3
    faint: float = 1.0
    faint_noise: float = 0.02
    enough: int = 24
    grain: float = 0.25
    grain_noise: float = 0.08
    contrary: float = 2.0
    contrary_below: float = 0.3
    lighter: float = 8.0
    contrast: float = 1.0
    shown: float = 96 / 255
    border_levels: int = 4
    border_share: float = 0.5


@dataclass(frozen=True, slots=True)
class RefinementLimits:
    """When a transform is moved to where the pixels correlate best, and how far.

    Attributes:
        agreement_from: agreement from which that may help, 0..1 (by eye).
        agreement_below: agreement from which there is nothing to gain, 0..1 (by eye).
        least_inliers: places that keypoints explain (by eye).
        likeness_below: likeness from which the rest shows something else, but of faint pictures,
            0..1 (ADR 24, ADR 26).
        unmoved: share of a side that the middle of one frame falls from that of the other at most,
            and a corner twice as far, for two frames to lie on each other as they are, 0..1 (by
            eye).
        steps: steps of the refinement (ADR 24).
        steps_closely: steps where two pictures are looked at closely: an inset, a difference
            (by eye).
        blur: pixels over which whole planes are smoothed for it (by eye).
    """

    agreement_from: float = 0.4
    agreement_below: float = 0.8
    least_inliers: int = 15
    likeness_below: float = 0.93
    unmoved: float = 0.05
    steps: int = 6
    steps_closely: int = 25
    blur: int = 5


@dataclass(frozen=True, slots=True)
class ThumbLimits:
    """When blocks and cells of two thumbs of 32×32 show one texture; variances in grey levels².

    Attributes:
        side: cells of a block's sides (by eye).
        step: cells from one block to the next (by eye).
        textured: variance above which a block has texture (by eye).
        cell_noise: variance added to both of two cells that are correlated beyond their slopes
            (ADR 23).
        least_rest: cells that are not plainly the same; fewer are as good as none (by eye).
        least_variance: variance of a whole thumb by which one is fitted to the other, at least (by
            eye).
        colourless: mean deviation of the colours, grey levels, below which a thumb has none (by
            eye).
        colourful: and above which it plainly has (by eye).
    """

    side: int = 8
    step: int = 4
    textured: float = 12.0
    cell_noise: float = 0.15
    least_rest: int = 2
    least_variance: float = 0.25
    colourless: float = 2.0
    colourful: float = 6.0


@dataclass(frozen=True, slots=True)
class PlainLimits:
    """When two pictures that show nothing but a tone are one (ADR 24).

    Attributes:
        levels: grey levels by which any cell of their thumbs differs at most (ADR 24).
        stretch: by how much more one side of a frame grows than the other at most: to a square
            from the longest of common formats, from 1 (ADR 24).
        growth: by how much the sides grow in the mean at most: to a small thumbnail, from 1
            (ADR 24).
        sharpest: variance of the Laplacian up to which a picture is plain: the steps of a slope of
            eight bits alone make one (ADR 24).
    """

    levels: int = 2
    stretch: float = 2.0
    growth: float = 20.0
    sharpest: float = 2.0


@dataclass(frozen=True, slots=True)
class EditLimits:
    """From where on an edit is worth a word.

    Attributes:
        smaller: growth of a picture's sides in another, below which it was placed inside it and
            not only got more around it, 0..1 (by eye).
        stretched: one side's growth by the other's, above which it is stretched, from 1 (by eye).
        resized: change of the sides' growth, above which it is resized, times (by eye).
        bent: how much nearer or farther than its first a perspective puts the last corner, above
            which it is one, times (by eye).
        turned: degrees from which it is rotated (by eye).
        flipped: degrees around half a turn in which a mirrored copy is flipped (by eye).
        covered: agreement below which it is partly covered, 0..1 (by eye).
        tinted: mean difference of the colours, grey levels, above which it is recoloured (by eye).
        lighter: grey levels by which a middle grey changes, above which it is brighter or darker
            (by eye).
        least_contrast: contrast from which it is the same, times (by eye).
        most_contrast: contrast up to which it is the same, times (by eye).
    """

    smaller: float = 0.9
    stretched: float = 1.04
    resized: float = 0.03
    bent: float = 0.05
    turned: float = 1.0
    flipped: float = 2.0
    covered: float = 0.85
    tinted: float = 12.0
    lighter: float = 12.0
    least_contrast: float = 0.83
    most_contrast: float = 1.2


@dataclass(frozen=True, slots=True)
class CertaintyLimits:
    """Where evidence stops counting for the probability of a match.

    ``models/confidence.json`` was fitted with these.

    Attributes:
        least_support: inliers per keypoint; fewer are as good as so many, 0..1 (ADR 11).
        near_one: how near a share may come to 0 and to 1 in log odds, 0..1 (ADR 11).
    """

    least_support: float = 0.01
    near_one: float = 0.003


FRAMES = FrameLimits()
POSES = PoseLimits()
MOTION = MotionLimits()
BLOCKS = BlockLimits()
REFINEMENT = RefinementLimits()
THUMBS = ThumbLimits()
PLAIN = PlainLimits()
WORDS = EditLimits()
CERTAINTY = CertaintyLimits()
