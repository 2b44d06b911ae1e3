"""Prints as JSON what TensorBoard's own readers find in folders of event files.

    python3 read.py FOLDER

For each run: its scalars by tag as [step, value], the pictures by tag as [step, width, height, bytes of the PNG,
description], and the settings, state and metrics that the table of runs (HPARAMS) would show of it.
"""

import json
import sys

from tensorboard.backend.event_processing import data_provider
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import backend_context, metadata
from tensorboard.util import tensor_util
from tensorboard.context import RequestContext


def table(multiplexer):
    """What the plugin HPARAMS makes of the runs: names of settings and metrics, and the settings of each run."""
    provider = data_provider.MultiplexerDataProvider(multiplexer, "logdir")
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request = RequestContext()
    contents = context.hparams_metadata(request, "")
    # The last argument is for settings that lie in no event file.
    experiment = context.experiment_from_metadata(request, "", True, contents, None)
    runs = {}
    for run, tags in contents.items():
        start = metadata.parse_session_start_info_plugin_data(tags[metadata.SESSION_START_INFO_TAG])
        kinds = {name: value.WhichOneof("kind") for name, value in start.hparams.items()}
        runs[run] = {
            "settings": {name: getattr(start.hparams[name], kind) for name, kind in kinds.items()},
            "state": metadata.parse_session_end_info_plugin_data(tags[metadata.SESSION_END_INFO_TAG]).status
            if metadata.SESSION_END_INFO_TAG in tags else None,
        }
    return {
        "settings": sorted(info.name for info in experiment.hparam_infos),
        "metrics": sorted(info.name.tag for info in experiment.metric_infos), "runs": runs,
    }


def main(folder):
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance={"scalars": 0, "images": 0, "hparams": 0})
    multiplexer.AddRunsFromDirectory(folder)
    multiplexer.Reload()
    runs = {}
    for run in multiplexer.Runs():
        accumulator = multiplexer.GetAccumulator(run)
        found = {"scalars": {}, "images": {}}
        for tag in accumulator.Tags()["tensors"]:
            summary = accumulator.SummaryMetadata(tag)
            for event in accumulator.Tensors(tag):
                value = tensor_util.make_ndarray(event.tensor_proto)
                if summary.plugin_data.plugin_name == "scalars":
                    found["scalars"].setdefault(tag, []).append([event.step, float(value)])
                elif summary.plugin_data.plugin_name == "images":
                    found["images"].setdefault(tag, []).append(
                        [event.step, int(value[0]), int(value[1]), len(value[2]), summary.summary_description])
        runs[run] = found
    print(json.dumps({"runs": runs, "table": table(multiplexer)}))


main(sys.argv[1])
