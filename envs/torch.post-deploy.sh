#!/usr/bin/env bash
# Snakemake runs this in the new environment, from the folder that the workflow was started in.
set -euo pipefail
pip install --no-deps --editable "$PWD"
