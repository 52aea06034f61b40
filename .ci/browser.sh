#!/bin/bash
# Chromium and its driver, for the tests of pages, and a font with Chinese letters.
set -eu
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then exit 0; fi
# Wine's set-up may be using apt at the same time.
apt=(apt-get -q -o DPkg::Lock::Timeout=500)
for _ in 1 2 3; do
  "${apt[@]}" update && break
  sleep 5
done
DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends \
  chromium chromium-driver fonts-noto-cjk
