"""Vega, Vega-Lite and their interpreter of expressions as one piece of JavaScript, for a page.

From vl-convert, which carries them, so that neither a network nor Node is needed. The interpreter
(``ast: true``) stands in for code made from text, which a page's policy forbids.
"""

import functools

SCRIPT = "window.vegaEmbed = vegaEmbed;"


@functools.cache
def bundle() -> str:
    """The JavaScript, which defines ``vegaEmbed``: about 900 kB, made in some seconds."""
    import vl_convert  # 70 ms, and only who writes a page needs it

    return safe(vl_convert.javascript_bundle(SCRIPT))


def safe(script: str) -> str:
    r"""A script as it may stand in a page: nothing in its literals reads as the page's markup.

    Raises
    ------
    ValueError
        If it would end the element that it stands in.

    Examples
    --------
    >>> print(safe("x = '<!--'"))
    x = '\x3c!--'
    """
    if "</script" in script.lower():
        raise ValueError("the script has an end tag")
    return script.replace("<!--", "\\x3c!--").replace("<script", "\\x3cscript")
