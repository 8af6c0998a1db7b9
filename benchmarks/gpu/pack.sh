#!/usr/bin/env bash
# Packs the benchmarks for a Linux x64 machine with an NVIDIA GPU and without network, .NET or npm: the program with its runtime, llama.cpp for the CPU and for CUDA,
# and run.sh, in pieces that are small enough to be carried one by one.
#
#   benchmarks/gpu/pack.sh [--cuda cuda|cuda12|cuda+cuda12] [--output FOLDER] [--piece MEBIBYTES]
#
# cuda is the build for CUDA 13 (driver 580 or newer), cuda12 that for CUDA 12 (driver 525 or newer); both by default.
set -euo pipefail
repository=$(CDPATH= cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

cuda=cuda+cuda12 output=$repository/artifacts/gpu piece=48
while [ $# -gt 0 ]; do
  case $1,${2:-} in
    --cuda,cuda | --cuda,cuda12 | --cuda,cuda+cuda12) cuda=$2 ;;
    --output,?*) output=$2 ;;
    --piece,?*) piece=$2 ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
  shift 2
done
if ! [ "$piece" -gt 0 ] 2>/dev/null || [ "$piece" -ge 60 ]; then
  echo "--piece is a number of MiB, from 1 to 59." >&2
  exit 2
fi

mkdir -p "$output"
output=$(CDPATH= cd "$output" && pwd)
cd "$repository"
rm -f "$output"/gpu-benchmarks.tar.gz.* "$output/SHA256SUMS"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Without cultures: .NET would not start where ICU is not installed, and images with CUDA have none.
dotnet publish benchmarks/EmbeddedLlm.Benchmarks -c Release -r linux-x64 --self-contained -p:InvariantGlobalization=true -p:EmbeddedLlmGpu="$cuda" -o "$work/app"
for name in ${cuda//+/ }; do
  find "$work/app" -name "libggml-$name.so" | grep -q . || { echo "libggml-$name.so was not published." >&2; exit 1; }
done

tar -C "$work" -czf - app | split --bytes="${piece}M" --numeric-suffixes --suffix-length=2 - "$output/gpu-benchmarks.tar.gz."
cp benchmarks/gpu/run.sh "$output/"
(cd "$output" && sha256sum gpu-benchmarks.tar.gz.* > SHA256SUMS)
echo
echo "Carry the files of $output to one folder of the GPU machine, and run run.sh there:"
ls -l "$output"
