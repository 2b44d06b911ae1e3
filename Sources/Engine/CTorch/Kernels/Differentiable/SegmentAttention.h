// Multi-head attention within segments of packed rows on the CPU: no padding, no copies into heads.
#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <limits>
#include <vector>

#include "Backward.h"
#include "../Exponential.h"
#include "Numbers.h"
#include "../Parallel.h"
#include "../Random.h"

/// The matrix product of the math library inside libtorch (BLAS; column-major).
extern "C" void sgemm_(
    const char *transpose_a, const char *transpose_b, const int *m, const int *n, const int *k,
    const float *alpha, const float *a, const int *lda, const float *b, const int *ldb, const float *beta,
    float *c, const int *ldc);

namespace ctorch {
namespace {

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
    int64_t query_stride() const { return heads * rank; }
    int64_t value_stride() const { return heads * width; }
    int64_t most_queries() const { return longest(query); }
    int64_t most_sources() const { return longest(source); }
    /// The most weights that one head of one segment has.
    int64_t most_weights() const {
        int64_t most = 0;
        for (int64_t b = 0; b < count(); ++b) most = std::max(most, queries(b) * sources(b));
        return most;
    }
    /// Whether all rows take part in a product: some gradients are zero where a segment is empty or masked.
    bool is_whole() const {
        for (int64_t b = 0; b < count(); ++b) {
            if (masked[b] || queries(b) == 0 || sources(b) == 0) return false;
        }
        return true;
    }
    /// Roughly the work of one head of one segment.
    int64_t work() const { return count() ? weights.back() / count() * (rank + width) : 0; }

    static int64_t longest(const std::vector<int64_t> &offsets) {
        int64_t most = 0;
        for (size_t i = 1; i < offsets.size(); ++i) most = std::max(most, offsets[i] - offsets[i - 1]);
        return most;
    }

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

/// One head's rows of one segment, read out of the tensors.
struct HeadRows {
    int64_t query_at, key_at, value_at;  // where they start in queries, keys and values
    int64_t out_at;
    int64_t queries, sources;

    HeadRows(const Layout &layout, int64_t segment, int64_t head)
        : query_at(layout.query[segment] * layout.query_stride() + head * layout.rank),
          key_at(layout.source[segment] * layout.query_stride() + head * layout.rank),
          value_at(layout.source[segment] * layout.value_stride() + head * layout.width),
          out_at(layout.query[segment] * layout.value_stride() + head * layout.width),
          queries(layout.queries(segment)), sources(layout.sources(segment)) {}
};

/// A thread's memory for one head's rows where they are not float32: none where all are.
struct HeadRoom {
    std::vector<float> query, key, value, out;

    HeadRoom(const Layout &layout, bool is_needed) {
        if (!is_needed) return;
        query.resize(layout.most_queries() * layout.rank);
        key.resize(layout.most_sources() * layout.rank);
        value.resize(layout.most_sources() * layout.width);
        out.resize(layout.most_queries() * std::max(layout.rank, layout.width));
    }
};

/// What the queries see, and into `kept` the weights by which they see it: all of them at once, or where nobody needs
/// them again those of one head of one segment after the other.
at::Tensor attended(
    const at::Tensor &q, const at::Tensor &k, const at::Tensor &v, const Layout &layout, const WeightDropout &dropout,
    float *kept) {
    auto out = at::empty({q.size(0), v.size(1)}, v.options());
    int64_t items = layout.count() * layout.heads;
    int threads = thread_count(items * layout.work());
    // For each thread: the weights where they are not kept, else those that dropout has left.
    auto room = at::empty(
        {threads, kept && dropout.probability == 0 ? 0 : layout.most_weights()}, q.options().dtype(at::kFloat));
    auto rooms = room.mutable_data_ptr<float>();
    Numbers qs(q), ks(k), vs(v);
    Results outs(out);
    std::vector<HeadRoom> head_rooms(
        threads, HeadRoom(layout, !qs.are_float32() || !ks.are_float32() || !vs.are_float32()));
    auto qk_stride = layout.query_stride(), v_stride = layout.value_stride();
    parallel_items(items, layout.work(), [&](int64_t item, int thread) {
        int64_t b = item / layout.heads, head = item % layout.heads;
        HeadRows rows(layout, b, head);
        int64_t nq = rows.queries, ns = rows.sources;
        if (nq == 0) return;
        auto &space = head_rooms[thread];
        auto o = outs.place(rows.out_at, space.out.data());
        auto o_stride = outs.are_float32() ? v_stride : layout.width;
        if (ns == 0) {
            for (int64_t row = 0; row < nq; ++row) std::fill_n(o + row * o_stride, layout.width, 0.f);
            outs.store_rows(rows.out_at, v_stride, nq, layout.width, o);
            return;
        }
        auto own = rooms + thread * room.size(1);
        auto w = kept ? kept + layout.weights[b] + head * nq * ns : own;
        if (layout.masked[b]) {
            std::fill_n(w, nq * ns, 1.f / static_cast<float>(ns));
        } else {
            auto key = ks.read_rows(rows.key_at, qk_stride, ns, layout.rank, space.key.data());
            auto query = qs.read_rows(rows.query_at, qk_stride, nq, layout.rank, space.query.data());
            product('T', 'N', ns, nq, layout.rank, layout.scale, key.data, key.stride, query.data, query.stride, w, ns);
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
        auto value = vs.read_rows(rows.value_at, v_stride, ns, layout.width, space.value.data());
        product('N', 'N', layout.width, nq, ns, 1, value.data, value.stride, used, ns, o, o_stride);
        outs.store_rows(rows.out_at, v_stride, nq, layout.width, o);
    });
    return out;
}

/// The gradients of one head of one segment.
struct HeadGradients {
    const Layout &layout;
    const WeightDropout &dropout;
    Numbers qs, ks, vs, gs;
    Results by_q, by_k, by_v;
    const float *weights;

    bool are_float32() const {
        return qs.are_float32() && ks.are_float32() && vs.are_float32() && gs.are_float32();
    }

    /// Where a segment is empty or masked, gradients are zero, as they are already.
    void compute(int64_t segment, int64_t head, HeadRoom &space, std::vector<float> &by_weights, std::vector<float> &left)
        const {
        HeadRows rows(layout, segment, head);
        int64_t nq = rows.queries, ns = rows.sources, rank = layout.rank, width = layout.width;
        if (nq == 0 || ns == 0) return;
        auto qk_stride = layout.query_stride(), v_stride = layout.value_stride();
        auto w = weights + layout.weights[segment] + head * nq * ns;
        auto g = gs.read_rows(rows.out_at, v_stride, nq, width, space.out.data());
        // Read before its room takes the gradient of the same rows.
        auto value = vs.read_rows(rows.value_at, v_stride, ns, width, space.value.data());
        product('T', 'N', ns, nq, width, 1, value.data, value.stride, g.data, g.stride, by_weights.data(), ns);

        const float *used = w;
        if (dropout.probability > 0) {
            std::copy_n(w, nq * ns, left.data());
            dropout.apply(left.data(), nq * ns, segment, head);
            used = left.data();
        }
        auto gv = by_v.place(rows.value_at, space.value.data());
        product('N', 'T', width, ns, nq, 1, g.data, g.stride, used, ns, gv, by_v.are_float32() ? v_stride : width);
        by_v.store_rows(rows.value_at, v_stride, ns, width, gv);
        if (layout.masked[segment]) return;

        if (dropout.probability > 0) dropout.apply(by_weights.data(), nq * ns, segment, head);
        for (int64_t row = 0; row < nq; ++row) softmax_gradient_row(w + row * ns, by_weights.data() + row * ns, ns);
        auto query = qs.read_rows(rows.query_at, qk_stride, nq, rank, space.query.data());
        auto key = ks.read_rows(rows.key_at, qk_stride, ns, rank, space.key.data());
        // Where the output's gradient was, which is not needed any more.
        auto gq = by_q.place(rows.query_at, space.out.data());
        product('N', 'N', rank, nq, ns, layout.scale, key.data, key.stride, by_weights.data(), ns, gq,
                by_q.are_float32() ? qk_stride : rank);
        by_q.store_rows(rows.query_at, qk_stride, nq, rank, gq);
        auto gk = by_k.place(rows.key_at, space.key.data());
        product('N', 'T', rank, ns, nq, layout.scale, query.data, query.stride, by_weights.data(), ns, gk,
                by_k.are_float32() ? qk_stride : rank);
        by_k.store_rows(rows.key_at, qk_stride, ns, rank, gk);
    }
};

struct SegmentAttention : torch::autograd::Function<SegmentAttention> {
    static Variable forward(
        AutogradContext *context, const Variable &q_in, const Variable &k_in, const Variable &v_in,
        const Variable &query_offsets, const Variable &source_offsets, const std::optional<Variable> &mask,
        int64_t heads, double scale, double probability) {
        auto q = q_in.contiguous(), k = k_in.contiguous(), v = v_in.contiguous();
        Layout layout(q, k, v, query_offsets, source_offsets, mask, heads, scale);
        auto weights = at::empty({layout.weights.back()}, q.options().dtype(at::kFloat));
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
        refuse_second_derivatives();
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
        bool is_whole = layout.is_whole();
        auto made = [&](const at::Tensor &like) { return is_whole ? at::empty_like(like) : at::zeros_like(like); };
        auto by_q = made(q), by_k = made(k), by_v = made(v);
        HeadGradients work{layout, dropout, Numbers(q), Numbers(k), Numbers(v), Numbers(gradient),
                           Results(by_q), Results(by_k), Results(by_v), elements<float>(weights)};
        int64_t items = layout.count() * heads, work_each = 2 * layout.work();
        int threads = thread_count(items * work_each);
        std::vector<HeadRoom> rooms(threads, HeadRoom(layout, !work.are_float32()));
        std::vector<float> weights_each(layout.most_weights());
        std::vector<std::vector<float>> by_weights(threads, weights_each), left(threads);
        if (dropout.probability > 0) left.assign(threads, weights_each);
        parallel_items(items, work_each, [&](int64_t item, int thread) {
            work.compute(item / heads, item % heads, rooms[thread], by_weights[thread], left[thread]);
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
