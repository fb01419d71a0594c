"""Let the pages of dvc plots work without a network, in this clone.

DVC's pages load Vega from a server. This writes a template that has it within, and tells DVC of it:

    python -m pipeline offline-plots
    dvc plots show
"""

from argparse import Namespace

TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>DVC plots</title>
<script>%s</script>
<style>body { font-family: sans-serif } table { border-spacing: 15px }</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""
NAME = "tmp/offline-plots.html"
"""The template's path in DVC's folder, which Git ignores."""


def run(_: Namespace) -> str:
    """Return what was written."""
    from pathlib import Path

    from pipeline.core import files
    from pipeline.report import html
    from pipeline.repository.dvc import opened

    with opened() as repo:
        path = Path(repo.dvc_dir, NAME)
        files.write_text(path, TEMPLATE.replace("%s", html.bundle()))
        with repo.config.edit("local") as config:
            config.setdefault("plots", {})["html_template"] = NAME
    return (
        f"dvc plots show and diff write pages with Vega in them now ({files.megabytes(path)} each)"
    )
