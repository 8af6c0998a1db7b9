#!/usr/bin/env bash
# Joins the pieces that pack.sh made, finds CUDA, and runs the benchmarks on the GPU. Nothing is downloaded or installed.
#
#   run.sh [--output FOLDER] [--check] [-- arguments of the benchmarks in place of the usual ones]
#
# The results (results.json, report.md, charts, the machine's facts) end in FOLDER: $OUT/gpu where OUT is set, else ./results.
# --check stops where the GPU would be used. Exit codes: 1 the benchmarks failed, 2 the command line, 3 no GPU or driver, 4 no CUDA runtime, 5 pieces are missing or damaged.
set -uo pipefail

# What is measured; the one place that says so.
benchmark=(report --job cuda --model synthetic:llama-3.2-1b --model synthetic:llama-3.1-8b)

here=$(CDPATH= cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=${OUT:+$OUT/gpu}
results=${results:-$PWD/results}
check=
while [ $# -gt 0 ]; do
  case $1 in
    --output) [ -n "${2:-}" ] || { echo "--output needs a folder." >&2; exit 2; }; results=$2; shift 2 ;;
    --check) check=1; shift ;;
    --) shift; benchmark=("$@"); break ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
done

fail() {
  local code=$1
  shift
  printf 'error: %s\n' "$@" >&2
  exit "$code"
}

# Pieces may come in several rounds: what is missing is named. Runs in a shell of its own, so that the caller's relative paths stay what they are.
join() (
  cd "$here" || exit 5
  [ -f SHA256SUMS ] || fail 5 "SHA256SUMS is not beside run.sh; pack.sh makes it."
  local missing
  missing=$(awk '{ print $2 }' SHA256SUMS | while read -r file; do [ -f "$file" ] || echo "$file"; done)
  [ -z "$missing" ] || fail 5 "These pieces are still missing: $(echo $missing)"
  sha256sum --quiet --check SHA256SUMS || fail 5 "A piece was damaged on its way; carry it again."
  if ! cmp -s SHA256SUMS app/SHA256SUMS; then
    rm -rf app
    awk '{ print $2 }' SHA256SUMS | xargs cat | tar -xzf - || fail 5 "The pieces could not be unpacked; is there room for 1.5 GB in $here?"
    cp SHA256SUMS app/
  fi
)

# Prints the folders in which libraries may lie that the system does not search.
cuda_folders() {
  local root named searched
  IFS=: read -ra named <<<"${EMBEDDEDLLM_CUDA_DIR:-}:${CUDA_PATH:-}:${CUDA_HOME:-}"
  IFS=: read -ra searched <<<"${LD_LIBRARY_PATH:-}"
  for root in "${named[@]}" /usr/local/cuda* /opt/cuda; do
    [ -z "$root" ] || printf '%s\n' "$root" "$root/lib64" "$root/lib" "$root/targets/x86_64-linux/lib" "$root"/*/lib
  done
  # NVIDIA's Python packages: nvidia/cublas/lib, nvidia/cuda_runtime/lib, nvidia/cu13/lib.
  for root in /usr/lib/python3*/*-packages /usr/local/lib/python3*/*-packages /opt/*/lib/python3*/*-packages "$HOME"/.local/lib/python3*/site-packages "${VIRTUAL_ENV:-/nowhere}"/lib/python3*/site-packages; do
    printf '%s\n' "$root"/nvidia/*/lib
  done
  [ ${#searched[@]} -eq 0 ] || printf '%s\n' "${searched[@]}"
}

# Prints the folder of a library, nothing where the system finds it by itself, and fails where it is nowhere.
find_library() {
  ldconfig -p 2>/dev/null | grep -q "^[[:space:]]*$1 " && return 0
  local folder
  while IFS= read -r folder; do
    [ -e "$folder/$1" ] && { echo "$folder"; return 0; }
  done < <(cuda_folders)
  return 1
}

# Sets LD_LIBRARY_PATH for CUDA of the given version; fails, naming what is missing, where a part of it is not there.
use_cuda() {
  local version=$1 library folder folders= missing=
  for library in "libcudart.so.$version" "libcublas.so.$version" "libcublasLt.so.$version"; do
    if folder=$(find_library "$library"); then
      [ -z "$folder" ] || [[ ":$folders:" == *":$folder:"* ]] || folders+=${folders:+:}$folder
    else
      missing+=" $library"
    fi
  done
  [ -z "$missing" ] || { echo "CUDA $version:$missing not found"; return 1; }
  # An empty part would be the working folder.
  [ -z "$folders" ] || export LD_LIBRARY_PATH=$folders${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  echo "CUDA $version: ${folders:-where the system looks}"
}

join || exit
mkdir -p "$results" || exit 2
results=$(CDPATH= cd "$results" && pwd) || exit 2

find_library libcuda.so.1 >/dev/null || [ -e /usr/lib/wsl/lib/libcuda.so.1 ] ||
  fail 3 "There is no libcuda.so.1: NVIDIA's driver is not installed here, or this container was started without its GPUs (--gpus all). The benchmarks need a GPU."
if command -v nvidia-smi >/dev/null; then
  nvidia-smi >"$results/nvidia-smi.txt" 2>&1 || fail 3 "nvidia-smi finds no GPU that works: $(tail -n 1 "$results/nvidia-smi.txt")"
  cat "$results/nvidia-smi.txt"
fi

app=$here/app native=$here/app/runtimes/linux-x64/native
driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1)
found=
# The CUDA 13 build needs driver 580.
if [ -e "$native/libggml-cuda.so" ] && { [ -z "$driver" ] || [ "${driver%%.*}" -ge 580 ]; } && use_cuda 13; then
  found=cuda
elif [ -e "$native/libggml-cuda12.so" ] && use_cuda 12; then
  found=cuda12
fi
[ -n "$found" ] || fail 4 \
  "No CUDA runtime was found that fits (driver ${driver:-unknown})." \
  "Needed are libcudart, libcublas and libcublasLt of CUDA 13 (driver 580 or newer) or CUDA 12: of a CUDA Toolkit, or of NVIDIA's Python packages" \
  "(nvidia-cuda-runtime-cu12 and nvidia-cublas-cu12). Name the folder that holds them, or the packages' nvidia folder, in EMBEDDEDLLM_CUDA_DIR."
export EMBEDDEDLLM_BACKENDS=$found
echo "Backend: $found"
[ -z "$check" ] || exit 0

# The report goes to the folder unless the caller's own arguments say where to.
if [ "${benchmark[0]}" = report ] && [[ " ${benchmark[*]} " != *" --output "* ]]; then
  benchmark+=(--output "$results")
  rm -f "$results/results.json"
  expected=$results/results.json
fi
printf 'Running: %s\n' "${benchmark[*]}"
"$app/EmbeddedLlm.Benchmarks" "${benchmark[@]}" 2>&1 | tee "$results/log.txt"
status=${PIPESTATUS[0]}
echo "Results are in $results:"
ls -l "$results"
[ "$status" -eq 0 ] || fail 1 "The benchmarks ended with $status."
[ -z "${expected:-}" ] || [ -s "$expected" ] || fail 1 "The benchmarks wrote no results.json."
