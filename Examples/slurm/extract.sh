#!/usr/bin/env bash
# Extracts features of many pictures as an array job, a part a job, each into a store of its own:
#
#   sbatch Examples/slurm/extract.sh
#
# RWSAN names the program (rwsan), PICTURES the folder or archive (train2014.zip), PARTS the folder for the parts (parts),
# DETECTOR the detector (k10-100, which `rwsan fetch detector` brings). A job that was stopped goes on when it is given again:
# sbatch --array=3 Examples/slurm/extract.sh. When all are done, pack joins them, to the byte what one job would have made:
#
#   rwsan pack --input parts/* --output datasets/coco_extract/train2014.packed
#SBATCH --job-name=rwsan-extract
#SBATCH --array=1-16
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --requeue
set -euo pipefail

parts=${PARTS:-parts}
mkdir -p "$parts"
export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
exec "${RWSAN:-rwsan}" extract --pictures "${PICTURES:-train2014.zip}" --store \
    --output "$parts/part$SLURM_ARRAY_TASK_ID" --detector "${DETECTOR:-k10-100}" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
