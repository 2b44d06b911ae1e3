"""The rows of the table: what each side runs, and how it is checked that both did the same."""
import dataclasses
import json

from harness.material import REPOSITORY
from harness.measuring import Failure, Row, Side, run

KEYS = ("training", "inference", "inference-int8", "training-mcan", "inference-mcan", "inference-int8-mcan",
        "training-busy", "inference-busy", "reading-store", "reading-npz", "packing", "start-up",
        "start-up-again", "metric", "extraction", "detection", "detection-int8", "vilt", "lxmert", "vilt-batch", "vilt-cold")


@dataclasses.dataclass
class Setting:
    """What rows are measured with."""

    device: str
    precision: str
    steps: int
    threads: int


def make(key, setting, material):
    """The row of a key; None where it cannot be measured on the device."""
    makers = {"training": training, "inference": inference, "inference-int8": inference_int8,
              "training-mcan": training_mcan, "inference-mcan": inference_mcan,
              "inference-int8-mcan": inference_int8_mcan, "training-busy": training_busy,
              "inference-busy": inference_busy, "reading-store": reading_store, "reading-npz": reading_npz, "packing": packing, "start-up": start_up,
              "start-up-again": start_up_again, "metric": metric, "extraction": extraction,
              "detection": detection, "detection-int8": detection_int8,
              "vilt": answer_vilt, "lxmert": answer_lxmert, "vilt-batch": answers_vilt,
              "vilt-cold": cold_vilt}
    return makers[key](setting, material)


def same(what, ours, peer):
    """Raises Failure where both sides have different values of any of these names."""
    for name in what:
        if ours.get(name) is None or ours.get(name) != peer.get(name):
            raise Failure(f"both sides must do the same: expected {name} {peer.get(name)}, found {ours.get(name)}")


def close(name, ours, peer, share=1e-3):
    """Raises Failure where two numbers differ by more than a share of the second."""
    if abs(ours - peer) > share * abs(peer):
        raise Failure(f"both sides must do the same: expected {name} {peer}, found {ours}")


# Training and inference

@dataclasses.dataclass
class Network:
    """What StepBenchmark calls a network, and the script of its peer."""

    name: str
    peer: str


RWSAN = Network("rwsan", "rwsan_torch.py")
MCAN = Network("mcan_small", "mcan_torch.py")


def step_command(part, setting, material, network):
    """Ours, for one part of a step."""
    lengths = json.loads((REPOSITORY / "Benchmarks" / "batch.json").read_text())
    regions, words = (",".join(map(str, lengths[name])) for name in ("regions", "words"))
    return [material.program("StepBenchmark"), "--model", network.name, "--regions", regions, "--words", words,
            "--only", part, "--steps", setting.steps, "--device", setting.device, "--precision", setting.precision, "--threads", setting.threads]


def step_row(title, parts, setting, material, network, difference="difference", tolerance=1e-3):
    """A row of steps: `parts` are what ours, the peer and the limit time."""
    title = title if network is RWSAN else f"{network.name}, {title}"
    ours, peer, limit = parts
    peer_command = material.peer(network.peer, "bench", "--only", peer, "--steps", setting.steps, "--device",
                                 setting.device, "--threads", setting.threads)
    if setting.precision != "float32":
        peer_command.append("--amp")
        title, tolerance = f"{title}, {setting.precision}", max(tolerance, 5e-2)
    checked = []

    def check(_ours, _peer):
        """Once a row: the logits of both, of the same weights and batch."""
        if not checked:
            command = step_command(ours, setting, material, network)
            checked.append(run([*command, "--check", material.step(network.peer)]).printed)
            if checked[0].get(difference, 1) > tolerance:
                raise Failure(f"{title}: expected the peer's logits within {tolerance:g} of the largest, "
                              f"found {checked[0].get(difference)}")

    def side(part):
        return Side(step_command(part, setting, material, network), "seconds_per_step")

    return Row(title, "a step", side(ours), Side(peer_command, "seconds_per_step"), check, side(limit))


def training(setting, material, network=RWSAN):
    return step_row("training, 64 questions", ("train", "train", "train_products"), setting, material, network)


def inference(setting, material, network=RWSAN):
    return step_row("inference, 64 questions", ("infer", "infer", "infer_products"), setting, material, network)


def inference_int8(setting, material, network=RWSAN):
    """Weights of 8 bits, against the peer in single precision."""
    if setting.device != "cpu" or not has_int8():
        return None
    single = dataclasses.replace(setting, precision="float32")
    return step_row("inference, 64 questions, int8", ("infer_int8", "infer", "infer_products"), single, material,
                    network, "difference_int8", 5e-2)


def training_mcan(setting, material):
    return training(setting, material, MCAN)


def inference_mcan(setting, material):
    return inference(setting, material, MCAN)


def inference_int8_mcan(setting, material):
    return inference_int8(setting, material, MCAN)


def busy(row, setting):
    """The row beside two processes that want a core each. The limit is what ours takes alone, for as much longer as it gets less
    of the cores: each of its threads as much as each of theirs."""
    others = 2
    return dataclasses.replace(
        row, title=f"{row.title}, beside {others} busy processes", ours=dataclasses.replace(row.ours, beside=others),
        peer=dataclasses.replace(row.peer, beside=others),
        limit=dataclasses.replace(row.ours, factor=(setting.threads + others) / setting.threads))


def training_busy(setting, material):
    return busy(training(setting, material), setting) if setting.device == "cpu" else None


def inference_busy(setting, material):
    return busy(inference(setting, material), setting) if setting.device == "cpu" else None


def has_int8():
    with open("/proc/cpuinfo") as file:
        return "avx512_vnni" in file.read()


# Features

def reading(title, folder, setting, material):
    ours = [material.program("FeatureBenchmark"), folder, "--workers", setting.threads]
    peer = material.peer("rwsan_torch.py", "load", material.features, "--workers", setting.threads)

    def check(ours, peer):
        same(["images"], ours, peer)
        close("sum of features", ours["sum"], peer["sum"])

    return Row(f"{title}, {material.image_count:,} images", "", Side(ours, "seconds"), Side(peer, "seconds"), check)


def reading_store(setting, material):
    return reading("reading features, packed", material.store, setting, material)


def reading_npz(setting, material):
    return reading("reading features, .npz", material.features, setting, material)


def packing(setting, material):
    ours, peer = material.scratch("ours.packed"), material.scratch("peer.packed")

    def check(_, printed):
        command = [material.program("FeatureBenchmark"), ours, "--workers", setting.threads]
        packed = run(command).printed
        same(["images"], packed, printed)
        close("sum of features", packed["sum"], printed["sum"])
        material.removed(ours), material.removed(peer)

    return Row(
        f"packing a .tar.gz, {material.image_count:,} images", "",
        Side([material.program("rwsan"), "pack", "--input", material.archive, "--output", ours],
             before=lambda: material.removed(ours)),
        Side(material.peer("pack_features.py", material.archive, peer), "seconds", lambda: material.removed(peer)),
        check, Side(["gzip", "--test", material.archive]))


def extraction(setting, material):
    ours, peer = material.scratch("ours.npz"), material.scratch("peer.npz")

    def check(_ours, _peer):
        compared = run(material.peer("efficientnet_lite0.py", "compare", ours, peer)).printed
        if not compared["same_files"] or compared["difference"] > 1e-3:
            raise Failure(f"extraction: expected the peer's features, found {compared}")
        material.removed(ours), material.removed(peer)

    return Row(
        "extraction, 4,000 pictures", "",
        Side([material.program("rwsan"), "extract", "--pictures", material.pictures, "--output", ours, "--blocks", 10,
              "--weights", material.weights, "--device", setting.device], before=lambda: material.removed(ours)),
        Side(material.peer("efficientnet_lite0.py", "extract", pixels(material), peer, "--weights", material.weights,
                           "--device", setting.device, "--threads", setting.threads),
             "seconds", lambda: material.removed(peer)), check)


def detection(setting, material, title="regions of 3 pictures"):
    ours, peer = material.scratch("ours.regions"), material.scratch("peer.regions")
    # How far features may be, and how many regions have to be the same.
    tolerance, share = {"float32": (1e-4, 0.95), "int8": (2e-2, 0.85)}.get(setting.precision, (1e-2, 0.95))

    def check(_ours, _peer):
        compared = run(material.peer("region_detector.py", "compare", ours, peer)).printed
        if compared["difference"] > tolerance or compared["same_regions"] < share:
            raise Failure(f"detection: expected the peer's regions and features, found {compared}")
        material.removed(ours), material.removed(peer)

    weights, pictures = material.detector, material.noise
    return Row(
        title, "",
        Side([material.program("rwsan"), "extract", "--pictures", pictures, "--output", ours, "--detector", weights,
              "--precision", setting.precision, "--device", setting.device], before=lambda: material.removed(ours)),
        Side(material.peer("region_detector.py", "extract", weights, pictures, peer, "--threads", setting.threads),
             "seconds", lambda: material.removed(peer)), check)


# Models as the hub publishes them

def same_logits(material, model, lines, peer_command, tolerance):
    """Raises Failure where the logits of both differ by more than a share of the largest."""
    ours, peer = material.scratch("ours.safetensors"), material.scratch("peer.safetensors")
    ours.parent.mkdir(parents=True, exist_ok=True)
    run([*peer_command, "--runs", 1, "--logits", peer])
    run([material.program("rwsan"), "predict", "--model", model, "--pictures-and-questions", lines,
         "--output", material.scratch("results.json"), "--save-logits", ours])
    compared = run(material.peer("hub_models.py", "compare", ours, peer)).printed
    if compared["difference"] > tolerance:
        raise Failure(f"{model}: expected the peer's logits within {tolerance:g}, found {compared}")


def answering(title, kind, setting, material, source, option, rows, list_of_questions=None):
    """Whole answers, from a file to scores. The peer computes in single precision."""
    model, threads = material.published(kind), setting.threads
    ours = [material.program("AnswerBenchmark"), "--model", model, "--precision", setting.precision,
            "--threads", threads]
    if list_of_questions:
        ours += ["--list", list_of_questions, "--runs", 3]
        peer = material.peer("hub_models.py", "batch", kind, model, source, "--threads", threads, "--runs", 3)
    else:
        ours += [option, source, "--question", "what color is the cat on the left table"]
        peer = material.peer("hub_models.py", "bench", kind, model, source, "--threads", threads)
    lines = list_of_questions or material.question_about(source, option)
    checked = []

    def check(_ours, _peer):
        if not checked:
            same_logits(material, model, lines, peer, 1e-4)
            checked.append(True)

    limit = [material.program("StepBenchmark"), "--model", kind, "--regions", rows[0], "--words", rows[1], "--only",
             "infer_products", "--steps", 10, "--precision", setting.precision, "--threads", threads]
    name = title if setting.precision == "float32" else f"{title}, {setting.precision}"
    return Row(name, "" if list_of_questions else "an answer", Side(ours, "seconds_per_answer"),
               Side(peer, "seconds_per_answer"), check, Side(limit, "seconds_per_step"))


def answer_vilt(setting, material):
    return answering("ViLT, a picture of 640 x 480", "vilt", setting, material, material.photograph, "--picture",
                     ("192", "10"))


def answer_lxmert(setting, material):
    return answering("LXMERT, 36 regions", "lxmert", setting, material, material.regions, "--features", ("36", "10"))


def answers_vilt(setting, material):
    """Pictures of different shapes; 192 and 228 patches."""
    folder = material.photographs
    patches = [192, 192, 192, 192, 216, 216, 216, 216] * 4
    return answering("ViLT, 32 questions about 8 pictures", "vilt", setting, material, folder, None,
                     (",".join(map(str, patches)), ",".join(["9"] * 32)), folder / "questions.jsonl")


def cold_vilt(setting, material):
    """A process from start to end."""
    model, picture = material.published("vilt"), material.photograph
    ours = [material.program("rwsan"), "ask", "--model", model, "--picture", picture, "--question",
            "what color is the cat on the left table"]
    return Row("ViLT, rwsan ask from start to answer", "", Side(ours),
               Side(material.peer("hub_models.py", "bench", "vilt", model, picture, "--threads", setting.threads,
                                  "--runs", 1, "--once")), lambda _ours, _peer: None)


def detection_int8(setting, material):
    """Weights of 8 bits in the last stage, against the peer in single precision."""
    if setting.device != "cpu" or not has_int8():
        return None
    return detection(dataclasses.replace(setting, precision="int8"), material, "regions of 3 pictures, int8")


def pixels(material):
    """The decoded pictures; without a peer nobody reads them."""
    return material.pixels if material.has_peers else "none"


# Question and annotation files

def start(title, material, arguments=(), before=lambda: None):
    names = ["questions", "val_questions", "words", "answers"]
    return Row(title, "", Side([material.program("StartBenchmark"), material.datasets, *arguments], "seconds", before),
               Side(material.peer("official_loader.py", material.datasets), "seconds"),
               lambda ours, peer: same(names, ours, peer))


def start_up(_, material):
    return start("ready to train", material)


def start_up_again(_, material):
    """With what the time before has kept."""
    cache = material.scratch("prepared")
    run([material.program("StartBenchmark"), material.datasets, "--cache", cache])
    return start("ready to train, the second time", material, ["--cache", cache])


def metric(_, material):
    datasets = material.datasets
    files = [datasets / "vqa" / "v2_OpenEnded_mscoco_val2014_questions.json",
             datasets / "vqa" / "v2_mscoco_val2014_annotations.json", datasets / "val_results.json"]
    options = [part for pair in zip(("--questions", "--annotations", "--results"), files) for part in pair]
    return Row("the metric on val", "", Side([material.program("rwsan"), "score", *options]),
               Side(material.peer("official_metric.py", *files), "seconds"),
               lambda ours, peer: same(["overall"], ours, peer))
