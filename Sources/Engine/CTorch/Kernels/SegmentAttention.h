// Multi-head attention within segments of packed float32 rows on the CPU: no padding, no copies into heads.
#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <limits>
#include <vector>

#include "Exponential.h"
#include "Parallel.h"
#include "Random.h"

/// The matrix product of the math library inside libtorch (BLAS; column-major).
extern "C" void sgemm_(
    const char *transpose_a, const char *transpose_b, const int *m, const int *n, const int *k,
    const float *alpha, const float *a, const int *lda, const float *b, const int *ldb, const float *beta,
    float *c, const int *ldc);

namespace ctorch {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

void product(
    char ta, char tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *b,
    int64_t ldb, float *c, int64_t ldc) {
    int m32 = static_cast<int>(m), n32 = static_cast<int>(n), k32 = static_cast<int>(k);
    int lda32 = static_cast<int>(lda), ldb32 = static_cast<int>(ldb), ldc32 = static_cast<int>(ldc);
    float beta = 0;
    sgemm_(&ta, &tb, &m32, &n32, &k32, &alpha, a, &lda32, b, &ldb32, &beta, c, &ldc32);
}

CTORCH_VECTORISED
void softmax_row(float *row, int64_t count) {
    // Sixteen at a time, for the compiler reorders neither sums nor comparisons by itself.
    int64_t whole = count / 16 * 16;
    float most[16], partial[16] = {};
    std::fill_n(most, 16, -std::numeric_limits<float>::infinity());
    for (int64_t i = 0; i < whole; i += 16) {
        for (int lane = 0; lane < 16; ++lane) most[lane] = row[i + lane] > most[lane] ? row[i + lane] : most[lane];
    }
    for (int64_t i = whole; i < count; ++i) most[0] = row[i] > most[0] ? row[i] : most[0];
    float largest = most[0];
    for (float value : most) largest = value > largest ? value : largest;
    for (int64_t i = 0; i < whole; i += 16) {
        for (int lane = 0; lane < 16; ++lane) {
            row[i + lane] = exponential(row[i + lane] - largest);
            partial[lane] += row[i + lane];
        }
    }
    for (int64_t i = whole; i < count; ++i) {
        row[i] = exponential(row[i] - largest);
        partial[0] += row[i];
    }
    float total = 0;
    for (float value : partial) total += value;
    float inverse = 1.f / total;
    for (int64_t i = 0; i < count; ++i) row[i] *= inverse;
}

CTORCH_VECTORISED
void drop_weights(float *weights, int64_t count, const uint16_t *bits, uint32_t threshold, float scale) {
    for (int64_t i = 0; i < count; ++i) weights[i] = bits[i] >= threshold ? weights[i] * scale : 0.f;
}

/// The gradient by a row's scores from that by its weights, in place.
CTORCH_VECTORISED
void softmax_gradient_row(const float *weights, float *gradient, int64_t count) {
    float partial[16] = {};
    int64_t whole = count / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16) {
        for (int lane = 0; lane < 16; ++lane) partial[lane] += weights[i + lane] * gradient[i + lane];
    }
    for (int64_t i = whole; i < count; ++i) partial[0] += weights[i] * gradient[i];
    float dot = 0;
    for (float value : partial) dot += value;
    for (int64_t i = 0; i < count; ++i) gradient[i] = weights[i] * (gradient[i] - dot);
}

/// Where everything of one call lies.
struct Layout {
    std::vector<int64_t> query, source;  // [B + 1]
    std::vector<int64_t> weights;        // [B + 1]: where each segment's weights start, over all heads
    std::vector<bool> masked;
    int64_t heads, rank, width;
    float scale;

    Layout(
        const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const at::Tensor &query_offsets,
        const at::Tensor &source_offsets, const std::optional<at::Tensor> &mask, int64_t heads, double scale)
        : query(numbers(query_offsets)), source(numbers(source_offsets)), heads(heads),
          scale(static_cast<float>(scale)) {
        TORCH_CHECK(q.dim() == 2 && k.dim() == 2 && v.dim() == 2, "expected rows, found ", q.sizes(), ", ",
                    k.sizes(), ", ", v.sizes());
        TORCH_CHECK(heads > 0 && q.size(1) % heads == 0 && v.size(1) % heads == 0,
                    "the widths ", q.size(1), " and ", v.size(1), " are no multiples of ", heads, " heads");
        TORCH_CHECK(q.size(1) == k.size(1), "queries are ", q.size(1), " wide, keys ", k.size(1));
        TORCH_CHECK(query.size() == source.size() && query.size() > 0, "there are ", query.size(),
                    " query offsets and ", source.size(), " source offsets");
        TORCH_CHECK(query.back() == q.size(0) && source.back() == k.size(0) && source.back() == v.size(0),
                    "the offsets end at ", query.back(), " and ", source.back(), ", the rows at ", q.size(0),
                    ", ", k.size(0), " and ", v.size(0));
        rank = q.size(1) / heads;
        width = v.size(1) / heads;
        masked.assign(count(), false);
        if (mask) {
            TORCH_CHECK(mask->numel() == count(), "the mask has ", mask->numel(), " elements, expected ", count());
            auto held = mask->contiguous();
            for (int64_t i = 0; i < count(); ++i) masked[i] = elements<bool>(held)[i];
        }
        weights.push_back(0);
        for (int64_t b = 0; b < count(); ++b) weights.push_back(weights.back() + heads * queries(b) * sources(b));
    }

    int64_t count() const { return static_cast<int64_t>(query.size()) - 1; }
    int64_t queries(int64_t b) const { return query[b + 1] - query[b]; }
    int64_t sources(int64_t b) const { return source[b + 1] - source[b]; }
    /// Roughly the work of one head of one segment.
    int64_t work() const { return count() ? weights.back() / count() * (rank + width) : 0; }

    static std::vector<int64_t> numbers(const at::Tensor &offsets) {
        auto held = offsets.to(at::kCPU, at::kLong).contiguous();
        auto first = elements<int64_t>(held);
        std::vector<int64_t> numbers(first, first + held.numel());
        TORCH_CHECK(!numbers.empty() && numbers.front() == 0 && std::is_sorted(numbers.begin(), numbers.end()),
                    "offsets start at 0 and do not fall");
        return numbers;
    }
};

/// Dropout on the weights of one head of one segment.
struct WeightDropout {
    uint64_t seed;
    double probability;

    void apply(float *weights, int64_t count, int64_t segment, int64_t head) const {
        uint16_t bits[random_block];
        auto threshold = drop_threshold(probability);
        auto scale = static_cast<float>(1 / (1 - probability));
        // A segment and a head have 2^24 blocks of their own: more than any memory holds.
        auto first = (static_cast<uint64_t>(segment) * 256 + static_cast<uint64_t>(head)) << 24;
        for (int64_t start = 0; start < count; start += random_block) {
            random_bits(seed, first + static_cast<uint64_t>(start / random_block), bits);
            drop_weights(weights + start, std::min(random_block, count - start), bits, threshold, scale);
        }
    }
};

/// What the queries see, and into `kept` the weights by which they see it: all of them at once, or where nobody needs
/// them again those of one head of one segment after the other.
at::Tensor attended(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Layout &layout, const WeightDropout &dropout,
    float *kept) {
    auto out = at::empty({q.size(0), v.size(1)}, q.options());
    int64_t items = layout.count() * layout.heads, largest = 0;
    for (int64_t b = 0; b < layout.count(); ++b) largest = std::max(largest, layout.queries(b) * layout.sources(b));
    // For each thread: the weights where they are not kept, else those that dropout has left.
    auto room = at::empty(
        {thread_count(items * layout.work()), kept && dropout.probability == 0 ? 0 : largest}, q.options());
    auto qs = elements<float>(q), ks = elements<float>(k), vs = elements<float>(v);
    auto outs = out.mutable_data_ptr<float>(), rooms = room.mutable_data_ptr<float>();
    auto qk_stride = layout.heads * layout.rank, v_stride = layout.heads * layout.width;
    parallel_items(items, layout.work(), [&](int64_t item, int thread) {
        int64_t b = item / layout.heads, head = item % layout.heads;
        int64_t nq = layout.queries(b), ns = layout.sources(b);
        if (nq == 0) return;
        auto o = outs + layout.query[b] * v_stride + head * layout.width;
        if (ns == 0) {
            for (int64_t row = 0; row < nq; ++row) std::fill_n(o + row * v_stride, layout.width, 0.f);
            return;
        }
        auto own = rooms + thread * room.size(1);
        auto w = kept ? kept + layout.weights[b] + head * nq * ns : own;
        if (layout.masked[b]) {
            std::fill_n(w, nq * ns, 1.f / static_cast<float>(ns));
        } else {
            product('T', 'N', ns, nq, layout.rank, layout.scale,
                    ks + layout.source[b] * qk_stride + head * layout.rank, qk_stride,
                    qs + layout.query[b] * qk_stride + head * layout.rank, qk_stride, w, ns);
            for (int64_t row = 0; row < nq; ++row) softmax_row(w + row * ns, ns);
        }
        auto used = w;
        if (dropout.probability > 0) {
            if (kept) {
                std::copy_n(w, nq * ns, own);
                used = own;
            }
            dropout.apply(used, nq * ns, b, head);
        }
        product('N', 'N', layout.width, nq, ns, 1, vs + layout.source[b] * v_stride + head * layout.width, v_stride,
                used, ns, o, v_stride);
    });
    return out;
}

struct SegmentAttention : torch::autograd::Function<SegmentAttention> {
    static Variable forward(
        AutogradContext *context, const Variable &q_in, const Variable &k_in, const Variable &v_in,
        const Variable &query_offsets, const Variable &source_offsets, const std::optional<Variable> &mask,
        int64_t heads, double scale, double probability) {
        auto q = q_in.contiguous(), k = k_in.contiguous(), v = v_in.contiguous();
        Layout layout(q, k, v, query_offsets, source_offsets, mask, heads, scale);
        auto weights = at::empty({layout.weights.back()}, q.options());
        WeightDropout dropout{probability > 0 ? draw_seed() : 0, probability};
        auto out = attended(q, k, v, layout, dropout, weights.mutable_data_ptr<float>());
        context->save_for_backward(
            {q, k, v, query_offsets, source_offsets, weights, mask ? *mask : Variable()});
        context->saved_data["heads"] = heads;
        context->saved_data["scale"] = scale;
        context->saved_data["seed"] = static_cast<int64_t>(dropout.seed);
        context->saved_data["probability"] = probability;
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto q = saved[0], k = saved[1], v = saved[2], weights = saved[5];
        std::optional<at::Tensor> mask;
        if (saved[6].defined()) mask = saved[6];
        auto heads = context->saved_data["heads"].toInt();
        Layout layout(q, k, v, saved[3], saved[4], mask, heads, context->saved_data["scale"].toDouble());
        WeightDropout dropout{
            static_cast<uint64_t>(context->saved_data["seed"].toInt()),
            context->saved_data["probability"].toDouble()};
        auto gradient = gradients[0].contiguous();
        auto by_q = at::empty_like(q), by_k = at::empty_like(k), by_v = at::empty_like(v);
        auto qs = elements<float>(q), ks = elements<float>(k), vs = elements<float>(v);
        auto gs = elements<float>(gradient), ws = elements<float>(weights);
        auto gq = by_q.mutable_data_ptr<float>(), gk = by_k.mutable_data_ptr<float>();
        auto gv = by_v.mutable_data_ptr<float>();
        auto qk_stride = heads * layout.rank, v_stride = heads * layout.width;
        parallel_items(layout.count() * heads, 2 * layout.work(), [&](int64_t item, int) {
            int64_t b = item / heads, head = item % heads;
            int64_t nq = layout.queries(b), ns = layout.sources(b);
            auto q_at = layout.query[b] * qk_stride + head * layout.rank;
            auto k_at = layout.source[b] * qk_stride + head * layout.rank;
            auto v_at = layout.source[b] * v_stride + head * layout.width;
            if (nq == 0 || ns == 0 || layout.masked[b]) {
                // Scores that are not looked at have no gradient.
                for (int64_t row = 0; row < nq; ++row) std::fill_n(gq + q_at + row * qk_stride, layout.rank, 0.f);
                for (int64_t row = 0; row < ns; ++row) std::fill_n(gk + k_at + row * qk_stride, layout.rank, 0.f);
            }
            if (nq == 0) {
                for (int64_t row = 0; row < ns; ++row) std::fill_n(gv + v_at + row * v_stride, layout.width, 0.f);
            }
            if (nq == 0 || ns == 0) return;
            auto w = ws + layout.weights[b] + head * nq * ns;
            auto g = gs + layout.query[b] * v_stride + head * layout.width;
            const float *used = w;
            std::vector<float> kept;
            if (dropout.probability > 0) {
                kept.assign(w, w + nq * ns);
                dropout.apply(kept.data(), nq * ns, b, head);
                used = kept.data();
            }
            product('N', 'T', layout.width, ns, nq, 1, g, v_stride, used, ns, gv + v_at, v_stride);
            if (layout.masked[b]) return;
            std::vector<float> by_weights(nq * ns);
            product('T', 'N', ns, nq, layout.width, 1, vs + v_at, v_stride, g, v_stride, by_weights.data(), ns);
            if (dropout.probability > 0) dropout.apply(by_weights.data(), nq * ns, b, head);
            for (int64_t row = 0; row < nq; ++row) {
                softmax_gradient_row(w + row * ns, by_weights.data() + row * ns, ns);
            }
            product('N', 'N', layout.rank, nq, ns, layout.scale, ks + k_at, qk_stride, by_weights.data(), ns,
                    gq + q_at, qk_stride);
            product('N', 'T', layout.rank, ns, nq, layout.scale, qs + q_at, qk_stride, by_weights.data(), ns,
                    gk + k_at, qk_stride);
        });
        return {by_q, by_k, by_v, Variable(), Variable(), Variable(), Variable(), Variable(), Variable()};
    }
};

at::Tensor segment_attention(
    const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const at::Tensor &query_offsets,
    const at::Tensor &source_offsets, const std::optional<at::Tensor> &masked, int64_t heads, double scale,
    double probability) {
    check_probability(probability);
    if (!needs_gradient(query, key, value)) {
        auto q = query.contiguous(), k = key.contiguous(), v = value.contiguous();
        Layout layout(q, k, v, query_offsets, source_offsets, masked, heads, scale);
        return attended(q, k, v, layout, {probability > 0 ? draw_seed() : 0, probability}, nullptr);
    }
    return SegmentAttention::apply(
        query, key, value, query_offsets, source_offsets, masked, heads, scale, probability);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def(
        "segment_attention(Tensor query, Tensor key, Tensor value, Tensor query_offsets, "
        "Tensor source_offsets, Tensor? masked, int heads, float scale, float probability) -> Tensor",
        &segment_attention);
}

}  // namespace ctorch
