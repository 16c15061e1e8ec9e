"""image: have the task's image on the instance, whole and safe to unpack."""

from __future__ import annotations

import re
from shlex import quote

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.image import RegistryImage, S3Object, image_source
from velora_tui.images.s3 import ImageOffer
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed, PhaseResult
from velora_tui.pipeline.remote_job import run_job
from velora_tui.pipeline.sandbox import CHECK_ARCHIVE, IMAGES
from velora_tui.view.text import size

_PROGRESS = re.compile(r"^image: (\d+) of (\d+) bytes$")
_CACHED = "image: cached"

# The URL is a secret: it reaches curl on standard input, never on a command line.
_DOWNLOAD = r"""
set -u
mkdir -p "$images" && cd "$images" || exit 1
download() {
    if command -v curl >/dev/null 2>&1; then
        printf 'url = "%s"\n' "$VELORA_IMAGE_URL" | curl --config - --fail --silent --show-error --location \
            --connect-timeout 15 --speed-limit 1024 --speed-time 60 --retry 2 --retry-delay 1 --retry-connrefused \
            --continue-at - --output "$part"
    else
        python3 -c 'import os, shutil, sys, urllib.request
with urllib.request.urlopen(os.environ["VELORA_IMAGE_URL"], timeout=60) as source, open(sys.argv[1], "wb") as file:
    shutil.copyfileobj(source, file, 1 << 20)' "$part"
    fi
}
have() { if [ -f "$1" ]; then wc -c < "$1"; else echo 0; fi; }

if [ -f "$name" ] && [ "$(cat "$name.etag" 2>/dev/null)" = "$etag" ] && [ "$(have "$name")" -eq "$bytes" ]; then
    echo "image: cached"
else
    part="$name.part"
    if [ "$(cat "$part.etag" 2>/dev/null)" != "$etag" ] || [ "$(have "$part")" -ge "$bytes" ]; then rm -f "$part"; fi
    printf %s "$etag" > "$part.etag"
    rm -f "$part.status"
    echo "image: downloading $source, $bytes bytes"
    { download; echo $? > "$part.status"; } &
    until [ -s "$part.status" ]; do
        sleep 0.25
        echo "image: $(have "$part") of $bytes bytes"
    done
    wait
    status=$(cat "$part.status")
    if [ "$status" -ne 0 ]; then echo "image: the download ended with status $status"; exit 1; fi
    if [ "$(have "$part")" -ne "$bytes" ]; then
        echo "image: the download is incomplete: $(have "$part") of $bytes bytes"; rm -f "$part"; exit 1
    fi
    if ! check_archive "$part"; then rm -f "$part"; exit 1; fi
    mv "$part" "$name" && mv "$part.etag" "$name.etag" || exit 1
    rm -f "$part.status"
fi
echo "image: ready at $images/$name"
"""


class Image:
    name = "image"
    job: str | None = "image"

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        source = image_source(ctx.task, ctx.fleet.s3.images)
        if isinstance(source, RegistryImage):
            raise PhaseFailed(_no_docker(source))
        offer = await ctx.images.offer(source, int(ctx.time_limit_seconds) + 60)
        cached = False

        def watch(line: str) -> None:
            nonlocal cached
            cached = cached or line == _CACHED
            if match := _PROGRESS.match(line):
                ctx.progress(int(match[1]), int(match[2]), "bytes", "")

        seconds = await run_job(ctx, _script(source, offer), {"VELORA_IMAGE_URL": offer.url}, watch)
        return PhaseResult(f"{size(offer.size)}{' (cached)' if cached else ''}", seconds=seconds)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


def _script(source: S3Object, offer: ImageOffer) -> str:
    return (
        f"images={IMAGES}\nname={quote(source.file_name)}\nsource={quote(str(source))}\n"
        f"etag={quote(offer.etag)}\nbytes={offer.size}\n{CHECK_ARCHIVE}{_DOWNLOAD}"
    )


def _no_docker(source: RegistryImage) -> Failure:
    return Failure(
        failure_class=FailureClass.TASK,
        signature="image-needs-docker",
        message=f"{source} is an image of a registry, which the process sandbox cannot use",
        remedy="give the task an image tar in S3",
        phase="image",
    )
