"""Motion without end from a bundle, at its true rate, to a local page and to other programs.

``engine`` makes frames and gives one out at each tick of ``clock``; ``bus`` hands each frame to
every receiver's own bounded queue, so that none of them can hold up the motion; ``sinks`` hold one
wire format a file; ``server`` is the page, on loopback alone; ``session`` puts them together.
"""
