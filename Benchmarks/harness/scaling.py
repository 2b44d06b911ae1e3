"""What a training step of several processes costs: a model with few numbers, and how these come out of what was measured."""
import dataclasses
import math


@dataclasses.dataclass
class Costs:
    """The numbers of the model, in seconds and bytes.

    A step that N processes share, P of them on each machine, takes

        fixed + per_question * questions / N                  computing: what every process does, and its part of the questions
        + messages * latency                                  messages that wait for one another
        + (2 * (P - 1) / P + 2 * (M - 1) / M / P) * bytes / memory    gradients handed over and added, by each process
        + 2 * (M - 1) / M * bytes / link                      those between M = N / P machines, over each one's link

    The processes of a machine exchange all gradients twice, of which each keeps its own part; in between, each exchanges that
    part with its counterparts on the other machines. Where there is one machine, nothing goes over a link.
    """

    fixed: float
    per_question: float
    questions: int
    bytes: int
    latency: float
    memory: float
    link: float

    # Lengths and contents of losses, then gradients' parts and sums, a piece of 64 MB at a time.
    PIECE = 64 << 20

    def compute(self, processes):
        """Seconds that the process computes which has most questions: whole ones."""
        return self.fixed + self.per_question * math.ceil(self.questions / processes)

    def exchange(self, processes, each):
        """Seconds that the exchange takes; `each` is the number of processes of a machine."""
        if processes == 1:
            return 0.0
        each = min(each, processes)
        machines = math.ceil(processes / each)
        stages = (each > 1) + (machines > 1)
        messages = 2 + 2 * stages * math.ceil(self.bytes / self.PIECE)

        def share(count):
            return 2 * (count - 1) / count * self.bytes

        # Between machines, each process has a part of its machine's.
        within = share(each) + share(machines) / each
        return messages * self.latency + within / self.memory + share(machines) / self.link

    def step(self, processes, each):
        """Seconds of a step."""
        return self.compute(processes) + self.exchange(processes, each)

    def efficiency(self, processes, each):
        """How many times faster a step is than one process's, as a share of the number of processes."""
        return self.step(1, 1) / (processes * self.step(processes, each))

    def pays(self, each, least=0.5):
        """The most processes, a power of 2, with which a step has at least this efficiency."""
        count = 1
        while 2 * count <= self.questions and self.efficiency(2 * count, each) >= least:
            count *= 2
        return count


def fit(points):
    """The straight line `fixed + per_question * questions` through seconds by questions, by least squares of relative errors."""
    weights = [(questions, seconds, 1 / seconds**2) for questions, seconds in points]
    total = sum(weight for _, _, weight in weights)
    mean_x = sum(weight * x for x, _, weight in weights) / total
    mean_y = sum(weight * y for _, y, weight in weights) / total
    spread = sum(weight * (x - mean_x) ** 2 for x, _, weight in weights)
    slope = sum(weight * (x - mean_x) * (y - mean_y) for x, y, weight in weights) / spread
    return mean_y - slope * mean_x, slope
