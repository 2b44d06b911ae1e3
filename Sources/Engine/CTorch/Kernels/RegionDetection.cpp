// What a detector of regions does beside its network, on the CPU: pictures to its input, maxima over the cells of a
// region, and which of the boxes that overlap stay.

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include <cmath>
#include <cstring>
#include <mutex>
#include <numeric>
#include <vector>

#include "Parallel.h"

namespace ctorch {
namespace {

// Pictures to input

/// Where the numbers of one row or column of the result come from: two neighbours, and the share of the second.
struct Sample {
    int64_t low, high;
    double share;
};

/// Linear between neighbours, edges repeated. The step is 1 / scale, which the rounded sizes only come near.
std::vector<Sample> samples(int64_t source, int64_t result, double scale) {
    std::vector<Sample> all(result);
    for (int64_t i = 0; i < result; ++i) {
        double at = (static_cast<double>(i) + 0.5) / scale - 0.5;
        double floor = std::floor(at);
        bool inside = floor >= 0 && floor < static_cast<double>(source - 1);
        auto low = static_cast<int64_t>(std::clamp(floor, 0.0, static_cast<double>(source - 1)));
        all[i] = {low, std::min(low + 1, source - 1), inside ? at - floor : 0};
    }
    return all;
}

/// uint8 [H, W, 3], red first, gives float32 [1, 3, height, width], blue first, less the mean of each colour; channels
/// lie last in memory. In double precision, as OpenCV computes it on x86.
at::Tensor picture_input(
    const at::Tensor &pixels, double scale, int64_t height, int64_t width, at::ArrayRef<double> mean) {
    TORCH_CHECK(pixels.dim() == 3 && pixels.size(2) == 3 && pixels.is_contiguous() && pixels.numel() > 0,
                "expected pixels [H, W, 3], found ", pixels.sizes());
    TORCH_CHECK(mean.size() == 3 && scale > 0 && height > 0 && width > 0, "expected a size and three means");
    auto in = elements<uint8_t>(pixels);
    auto out = at::empty({1, height, width, 3}, pixels.options().dtype(at::kFloat));
    auto result = out.mutable_data_ptr<float>();
    auto rows = samples(pixels.size(0), height, scale), columns = samples(pixels.size(1), width, scale);
    auto stride = pixels.size(1) * 3;
    // Less the mean in double, but rounded to single precision before it is mixed.
    double value[3][256];
    for (int color = 0; color < 3; ++color)
        for (int i = 0; i < 256; ++i) value[color][i] = static_cast<float>(i - mean[color]);
    parallel_ranges(height, width * 3, [&](int64_t begin, int64_t end, int) {
        for (int64_t y = begin; y < end; ++y) {
            auto upper = in + rows[y].low * stride, lower = in + rows[y].high * stride;
            auto to = result + y * width * 3;
            for (int64_t x = 0; x < width; ++x) {
                auto [low, high, share] = columns[x];
                for (int color = 0; color < 3; ++color) {
                    auto of = value[color];
                    int channel = 2 - color;
                    double above = of[upper[low * 3 + channel]] * (1 - share) + of[upper[high * 3 + channel]] * share;
                    double below = of[lower[low * 3 + channel]] * (1 - share) + of[lower[high * 3 + channel]] * share;
                    to[x * 3 + color] = static_cast<float>(above * (1 - rows[y].share) + below * rows[y].share);
                }
            }
        }
    });
    return out.permute({0, 3, 1, 2});
}

// Maxima over the cells of regions

/// Which cells of an axis a bin covers.
struct Bin {
    int64_t begin, end;
};

/// The bins between two corners, in cells: rounded half away from zero, widths and products in single precision.
std::vector<Bin> bins(float first, float last, int64_t count, int64_t cells, float cell_share) {
    constexpr float farthest = 1e6f;  // of any map, and far within what the sums below hold
    auto start = static_cast<int64_t>(std::round(std::clamp(first * cell_share, -farthest, farthest)));
    auto stop = static_cast<int64_t>(std::round(std::clamp(last * cell_share, -farthest, farthest)));
    float step = static_cast<float>(std::max<int64_t>(stop - start + 1, 1)) / static_cast<float>(count);
    std::vector<Bin> all(count);
    for (int64_t i = 0; i < count; ++i) {
        auto begin = static_cast<int64_t>(std::floor(static_cast<float>(i) * step)) + start;
        auto end = static_cast<int64_t>(std::ceil(static_cast<float>(i + 1) * step)) + start;
        all[i] = {std::clamp<int64_t>(begin, 0, cells), std::clamp<int64_t>(end, 0, cells)};
    }
    return all;
}

CTORCH_VECTORISED
void raise_to(float *result, const float *other, int64_t count) {
    for (int64_t i = 0; i < count; ++i) result[i] = other[i] > result[i] ? other[i] : result[i];
}

/// For each region `size` x `size` maxima over whole cells of `[h, w, C]`; 0 where a bin has none. Bins overlap where a
/// region's cells are no multiple of their number. Source: Girshick 2015, section 2.1.
///
/// Gives [n, C, size, size]; with `interleaved` [n * 4, C, size / 2, size / 2], one for the bins of even rows and even
/// columns, and so on. Channels lie last in memory.
at::Tensor region_maxima(
    const at::Tensor &cells_in, const at::Tensor &boxes_in, double stride, int64_t size, bool interleaved) {
    auto cells = cells_in.contiguous(), boxes = boxes_in.contiguous();
    TORCH_CHECK(cells.dim() == 3 && boxes.dim() == 2 && boxes.size(1) == 4, "expected cells [h, w, C] and boxes [n, 4]");
    TORCH_CHECK(size > 0 && size % 2 == 0 && stride > 0, "expected an even number of bins");
    auto height = cells.size(0), width = cells.size(1), channels = cells.size(2), count = boxes.size(0);
    auto half = size / 2;
    auto out = interleaved ? at::zeros({count * 4, half, half, channels}, cells.options())
                           : at::zeros({count, size, size, channels}, cells.options());
    auto in = elements<float>(cells), corners = elements<float>(boxes);
    auto result = out.mutable_data_ptr<float>();
    auto share = static_cast<float>(1 / stride);
    auto place = [=](int64_t region, int64_t y, int64_t x) {
        return interleaved ? ((region * 4 + y % 2 * 2 + x % 2) * half + y / 2) * half + x / 2
                           : (region * size + y) * size + x;
    };
    parallel_items(count, size * size * channels, [&](int64_t region, int) {
        auto box = corners + region * 4;
        auto rows = bins(box[1], box[3], size, height, share), columns = bins(box[0], box[2], size, width, share);
        for (int64_t y = 0; y < size; ++y) {
            for (int64_t x = 0; x < size; ++x) {
                if (rows[y].begin >= rows[y].end || columns[x].begin >= columns[x].end) continue;
                auto to = result + place(region, y, x) * channels;
                std::memcpy(to, in + (rows[y].begin * width + columns[x].begin) * channels, channels * sizeof(float));
                for (int64_t row = rows[y].begin; row < rows[y].end; ++row)
                    for (int64_t column = columns[x].begin; column < columns[x].end; ++column)
                        raise_to(to, in + (row * width + column) * channels, channels);
            }
        }
    });
    return out.permute({0, 3, 1, 2});
}

// Which boxes stay

/// The overlap of two boxes [x1, y1, x2, y2] as the share of both together; end pixels count.
inline float overlap(const float *a, const float *b) {
    float width = std::max(0.f, std::min(a[2], b[2]) - std::max(a[0], b[0]) + 1);
    float height = std::max(0.f, std::min(a[3], b[3]) - std::max(a[1], b[1]) + 1);
    float common = width * height;
    auto area = [](const float *box) { return (box[2] - box[0] + 1) * (box[3] - box[1] + 1); };
    return common / (area(a) + area(b) - common);
}

/// Going down boxes [n, 4], best first, each removes those after it that overlap it by the threshold or more. Gives the
/// places of those that stay, int64, at most `limit`.
at::Tensor suppress_overlaps(const at::Tensor &boxes_in, double threshold, int64_t limit) {
    auto boxes = boxes_in.contiguous();
    TORCH_CHECK(boxes.dim() == 2 && boxes.size(1) == 4, "expected boxes [n, 4], found ", boxes.sizes());
    auto all = elements<float>(boxes);
    auto most = static_cast<float>(threshold);
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < boxes.size(0) && static_cast<int64_t>(kept.size()) < limit; ++i) {
        bool stays = std::none_of(
            kept.begin(), kept.end(), [&](int64_t better) { return overlap(all + better * 4, all + i * 4) >= most; });
        if (stays) kept.push_back(i);
    }
    auto out = at::empty({static_cast<int64_t>(kept.size())}, boxes.options().dtype(at::kLong));
    std::copy(kept.begin(), kept.end(), static_cast<int64_t *>(out.mutable_data_ptr()));
    return out;
}

/// For each of boxes [n, 4] the highest of its probabilities [n, classes] among the classes whose suppression it survives;
/// 0 where there is none. Class 0 is the background.
at::Tensor best_confidence(const at::Tensor &boxes_in, const at::Tensor &probabilities_in, double threshold) {
    auto boxes = boxes_in.contiguous(), probabilities = probabilities_in.t().contiguous();
    auto count = boxes.size(0), classes = probabilities.size(0);
    constexpr int64_t most_boxes = 1 << 14;
    TORCH_CHECK(boxes.dim() == 2 && boxes.size(1) == 4 && probabilities.size(1) == count && count <= most_boxes,
                "expected at most ", most_boxes, " boxes [n, 4] with probabilities [n, classes]");
    auto all = elements<float>(boxes), scores = elements<float>(probabilities);
    // One table serves all classes.
    std::vector<char> clash(count * count);
    for (int64_t i = 0; i < count; ++i)
        for (int64_t j = 0; j < count; ++j)
            clash[i * count + j] = overlap(all + i * 4, all + j * 4) >= static_cast<float>(threshold);

    auto out = at::zeros({count}, boxes.options());
    auto best = out.mutable_data_ptr<float>();
    std::mutex merging;
    parallel_ranges(std::max<int64_t>(classes - 1, 0), count * 64, [&](int64_t begin, int64_t end, int) {
        std::vector<float> own(count);
        std::vector<int64_t> order(count);
        std::vector<char> removed(count);
        for (int64_t index = begin + 1; index < end + 1; ++index) {
            auto score = scores + index * count;
            std::iota(order.begin(), order.end(), 0);
            std::stable_sort(order.begin(), order.end(), [=](int64_t a, int64_t b) { return score[a] > score[b]; });
            std::fill(removed.begin(), removed.end(), 0);
            for (auto i : order) {
                if (removed[i]) continue;
                own[i] = std::max(own[i], score[i]);
                for (int64_t j = 0; j < count; ++j) removed[j] |= clash[i * count + j];
            }
        }
        std::lock_guard lock(merging);
        for (int64_t i = 0; i < count; ++i) best[i] = std::max(best[i], own[i]);
    });
    return out;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def("picture_input(Tensor pixels, float scale, int height, int width, float[] mean) -> Tensor",
                &picture_input);
    library.def(
        "region_maxima(Tensor cells, Tensor boxes, float stride, int size, bool interleaved) -> Tensor",
        &region_maxima);
    library.def("suppress_overlaps(Tensor boxes, float threshold, int limit) -> Tensor", &suppress_overlaps);
    library.def("best_confidence(Tensor boxes, Tensor probabilities, float threshold) -> Tensor", &best_confidence);
}

}  // namespace ctorch
