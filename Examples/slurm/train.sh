#!/usr/bin/env bash
# Trains on several machines under Slurm, and goes on by itself when the job's time is over:
#
#   sbatch Examples/slurm/train.sh
#
# RWSAN names the program (rwsan), NAME the run (val), DATA the datasets folder (datasets). Machines, processes and
# processors are those of the lines below; every process has to reach the same files, in this folder and the datasets'.
#SBATCH --job-name=rwsan-train
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
# Five minutes before the end each process is told so. They finish their step, write a checkpoint and end with code 138.
#SBATCH --signal=USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -uo pipefail

name=${NAME:-val}
# --resume starts anew where the run has no checkpoint yet. A seed has every job of the run draw the same numbers.
srun --mpi="${MPI:-pmix}" --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=1 \
    "${RWSAN:-rwsan}" train --data "${DATA:-datasets}" --name "$name" --resume "ckpts/ckpt_$name" \
    --set seed=1 --device cpu --quiet "$@"
status=$?

# 128 and the number of SIGUSR1: the time was over, and the run is not.
if ((status == 138)); then
    scontrol requeue "$SLURM_JOB_ID" || exit
    exit 0
fi
exit "$status"
