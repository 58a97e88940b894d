"""Limits of differences: every number by which a part was added, and by which one is the parent.

``by eye`` after a field means that it was chosen when it was written, on copies whose edits are
known (``lookalike_bench.explained``), and no measurement of it alone is kept; ``ADR n`` is the
decision in ``docs/adr`` that gives it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ADDITIONS",
    "COMPARISON",
    "OVERLAYS",
    "PARENTS",
    "AdditionLimits",
    "ComparisonLimits",
    "OverlayLimits",
    "ParentLimits",
]


@dataclass(frozen=True, slots=True)
class ComparisonLimits:
    """How closely two pictures are compared, and what is told of it.

    Attributes:
        side: pixels of the long side at which they are compared, at most (by eye).
        snap: share of a picture's long side from its rim, below which a box ends at the rim: a
            transform is right to about a pixel of the size compared, 0..1 (by eye).
        telling: share of a picture that an addition covers, from which it tells the parent, 0..1
            (by eye).
        same_tint: mean difference of the colours, grey levels, below which no curve of tones
            changed the finest texture (by eye).
        same_gain: change of contrast below which none did, times (by eye).
    """

    side: int = 480
    snap: float = 0.006
    telling: float = 0.004
    same_tint: float = 8.0
    same_gain: float = 0.06


@dataclass(frozen=True, slots=True)
class OverlayLimits:
    """Where two pictures laid over each other do not show the same.

    Attributes:
        window: pixels of the square in which two places are correlated (by eye).
        noise: variance added to both, squared grey levels, so that what is nearly plain correlates
            less (by eye).
        soft: pixels, deviation of the Gaussian that takes noise away before (by eye).
        textured: variance above which a place has texture, squared grey levels (by eye).
        alike: correlation above which light and colours vary alike, −1..1 (by eye).
        least_same: share of what both show that has one texture; tones are fitted to all where
            less has, 0..1 (by eye).
        least_kept: pixels that show the same; tone and detail are told of all where fewer do (by
            eye).
        rim: pixels of the outermost that are left out, and as many pixels of the moved picture (by
            eye).
        fit_pixels: pixels that tones are fitted to, about (by eye).
        fit_rounds: rounds of that fit (by eye).
        fit_kept: share of the pixels that each round keeps, those fitted best, 0..1 (by eye).
        fit_blur: pixels, deviation of the Gaussian before it (by eye).
        fit_ridge: how strongly the fit is drawn to no change, for each pixel (by eye).
        blurs: pixels, deviations of the Gaussians by which the sharper picture is tried (by eye).
        nearer: mean distance by the least one before, below which a blur fits better, 0..1 (by
            eye).
        settled: pixels, deviation of the Gaussian that both pass at last (by eye).
        shift: pixels of the square around a place whose colours count as its own (by eye).
        least_levels: grey levels beyond those colours that no noise explains, at least (by eye).
        most_levels: and at most (by eye).
        noise_times: how often the usual difference that is (by eye).
        peak: pixels of the square whose largest difference is compared with (by eye).
        of_peak: share of the largest difference nearby above which a place differs by itself: what
            blur spread is less, 0..1 (by eye).
        spread: pixels of the square by which what differs is widened before the rest counts as the
            same (by eye).
        grey_levels: mean range of the three channels, below which a picture is colourless (by eye).
        fine: pixels, deviations of the two Gaussians between which fine texture lies (by eye).
        finest: pixels, the same of the finest texture; 0 is the picture itself (by eye).
        enlarged: area of the moved picture in the fixed one, above which their details are not
            compared, times (by eye).
        flat: variance of such texture up to which it tells nothing, squared grey levels (by eye).
    """

    window: int = 11
    noise: float = 4.0
    soft: float = 1.2
    textured: float = 30.0
    alike: float = 0.85
    least_same: float = 0.05
    least_kept: int = 64
    rim: float = 1.5
    fit_pixels: int = 8000
    fit_rounds: int = 5
    fit_kept: float = 0.6
    fit_blur: float = 2.5
    fit_ridge: float = 1e-3
    blurs: tuple[float, ...] = (0.8, 1.5, 2.5, 4.0)
    nearer: float = 0.93
    settled: float = 1.0
    shift: int = 5
    least_levels: float = 18.0
    most_levels: float = 70.0
    noise_times: float = 4.0
    peak: int = 7
    of_peak: float = 0.5
    spread: int = 9
    grey_levels: float = 3.0
    fine: tuple[float, float] = (1.2, 3.0)
    finest: tuple[float, float] = (0.0, 1.0)
    enlarged: float = 1.5
    flat: float = 0.5


@dataclass(frozen=True, slots=True)
class AdditionLimits:
    """What lies beyond a picture's frame or on it was added, and what it is.

    Attributes:
        least_beyond: share of a picture beyond the other's frame; less is nothing, 0..1 (by eye).
        least_part: share of that which each of its parts is at least, 0..1 (by eye).
        least_scene: share of a picture from which what lies beyond is more of the scene, 0..1 (by
            eye).
        drawn_levels: grey levels from the commonest colour in which pixels have the very same (by
            eye).
        drawn: share of such pixels above which a plain part without a seam was drawn, 0..1 (by
            eye).
        scene_drawn: share of such pixels from which a part is no scene, 0..1 (by eye).
        plain_levels: grey levels from the commonest colour in which pixels nearly have it (by eye).
        commonest: grey levels over which the commonest tone is looked for (by eye).
        plain: share of such pixels from which a part is plain, 0..1 (by eye).
        mostly_plain: share of such pixels from which a part may be a caption, 0..1 (by eye).
        second: share of a part away from its commonest colour, above which another may fill it:
            a page has a head or a foot, 0..1 (by eye).
        second_plain: share of that which has one colour, above which it does, 0..1 (by eye).
        page_colours: coarse colours that fill a page (by eye).
        page: share of a part in those, from which it is a page, 0..1 (by eye).
        most_caption: share of a picture up to which a part is a caption, and above which what
            surrounds the other is one thing, 0..1 (by eye).
        least_inner: pixels of a part without its rim; with fewer the rim counts too (by eye).
        seam: by how much the jump across an outline exceeds the change beside it where there is a
            seam, times; without one it is some 1.3, for it is taken over 6 pixels, not 4 (by eye).
        seam_levels: and by as many grey levels more (by eye).
        seam_blur: pixels, deviation of the Gaussian before (by eye).
        seam_near: pixels from the outline where the jump is taken (by eye).
        seam_far: pixels from the outline to which the picture beside it is looked at (by eye).
        seam_length: pixels of an outline's side that tells, at least (by eye).
        seam_ends: share of a side left out at either end, 0..1 (by eye).
        least_within: share of a picture that a patch covers, 0..1 (by eye).
        near: share of a picture's side over which differences are joined, 0..1 (by eye).
        nearest: pixels over which they are joined at least (by eye).
        rim_blur: pixels, deviation of the Gaussian that makes a patch's rim (by eye).
        rim: share of the steepest from which it is rim, 0..1 (by eye).
        same_rim: likeness of the slopes along the rim, from which both have that edge, −1..1 (by
            eye).
        least_rim: steepness across the rim up to which neither has an edge, as ``cv2.Sobel`` has
            it (by eye).
        crumb: share of a picture below which a patch is of the largest one's kind, 0..1 (by eye).
        mostly: how much larger the patches of the one picture are in all, above which it has every
            one, times (by eye).
        thick: thickness of what differs by the side of the picture, above which it is solid, 0..1
            (by eye).
        very_thick: the same once it is joined, 0..1 (by eye).
        solid: share of its hull that a solid patch fills, 0..1 (by eye).
        long: length of one piece by the side of the picture, above which it is a line, 0..1 (by
            eye).
        slim: length by width above which it is a line, from 1 (by eye).
        letters: pieces from which strokes are text, its ground being one (by eye).
    """

    least_beyond: float = 0.008
    least_part: float = 0.5
    least_scene: float = 0.02
    drawn_levels: int = 2
    drawn: float = 0.9
    scene_drawn: float = 0.5
    plain_levels: int = 24
    commonest: int = 9
    plain: float = 0.97
    mostly_plain: float = 0.5
    second: float = 0.2
    second_plain: float = 0.6
    page_colours: int = 3
    page: float = 0.6
    most_caption: float = 0.38
    least_inner: int = 64
    seam: float = 2.21
    seam_levels: float = 6.0
    seam_blur: float = 0.8
    seam_near: int = 3
    seam_far: int = 7
    seam_length: int = 8
    seam_ends: float = 0.05
    least_within: float = 0.0012
    near: float = 0.025
    nearest: int = 3
    rim_blur: float = 1.5
    rim: float = 0.5
    same_rim: float = 0.75
    least_rim: float = 6.0
    crumb: float = 0.006
    mostly: float = 3.0
    thick: float = 0.03
    very_thick: float = 0.1
    solid: float = 0.5
    long: float = 0.3
    slim: float = 6.0
    letters: int = 3


@dataclass(frozen=True, slots=True)
class ParentLimits:
    """When a sign speaks for a picture as the parent, and how much.

    Attributes:
        clearly: weight by which one must be ahead (by eye).
        more_pixels: pixels for one of the other, above which it has more, from 1 (by eye).
        sharper: slope of fine texture above which it is sharper, from 1 (by eye).
        noisier: slope of the finest above which the other has all of it, 0..1 (by eye).
        noise: slope by the other's, below which it has something besides, 0..1 (by eye).
        kept_from: slope of the finest from which an encoder left it as it was, 0..1 (by eye).
        kept_to: and up to which, from 1 (by eye).
        remains: how much less the other way, as what JPEG leaves makes it, 0..1 (by eye).
        added: weight of something added to the other (by eye).
        scene: weight of more of the scene (by eye).
        pixels: weight of more pixels (by eye).
        colour: weight of colour (by eye).
        detail: weight of sharpness, or of the other's noise (by eye).
        tags: weight of more EXIF tags (by eye).
        encoded: weight of the other being encoded once more (by eye).
    """

    clearly: float = 1.0
    more_pixels: float = 1.04
    sharper: float = 1.15
    noisier: float = 0.8
    noise: float = 0.75
    kept_from: float = 0.97
    kept_to: float = 1.02
    remains: float = 0.032
    added: float = 3.0
    scene: float = 2.5
    pixels: float = 2.0
    colour: float = 2.0
    detail: float = 1.5
    tags: float = 1.0
    encoded: float = 1.0


COMPARISON = ComparisonLimits()
OVERLAYS = OverlayLimits()
ADDITIONS = AdditionLimits()
PARENTS = ParentLimits()
