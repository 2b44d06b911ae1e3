// Tensors of float32, bfloat16 and float16 as float32, a row at a time: kernels compute in single precision whatever their
// operands are kept in, and round once.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstring>

#include "../Parallel.h"

namespace ctorch {
namespace {

/// Rows `stride` apart become rows one after the other.
CTORCH_VECTORISED
void widen_rows(const c10::BFloat16 *in, int64_t stride, float *out, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t i = 0; i < width; ++i) {
            uint32_t bits = static_cast<uint32_t>(in[row * stride + i].x) << 16;
            std::memcpy(&out[row * width + i], &bits, sizeof bits);
        }
    }
}

CTORCH_VECTORISED
void widen_rows(const _Float16 *in, int64_t stride, float *out, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t i = 0; i < width; ++i) out[row * width + i] = static_cast<float>(in[row * stride + i]);
    }
}

/// Rows one after the other become rows `stride` apart.
CTORCH_VECTORISED
void narrow_rows(const float *in, c10::BFloat16 *out, int64_t stride, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t i = 0; i < width; ++i) {
            uint32_t bits;
            std::memcpy(&bits, &in[row * width + i], sizeof bits);
            // To the nearest number, of two as near to the even one. What is not a number would become infinite.
            uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
            out[row * stride + i].x = static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : nearest);
        }
    }
}

CTORCH_VECTORISED
void narrow_rows(const float *in, _Float16 *out, int64_t stride, int64_t rows, int64_t width) {
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t i = 0; i < width; ++i) out[row * stride + i] = static_cast<_Float16>(in[row * width + i]);
    }
}

/// Refuses what no kernel reads.
void check_numbers(const at::Tensor &tensor) {
    auto type = tensor.scalar_type();
    TORCH_CHECK(
        tensor.is_cpu() && (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf),
        "expected float32, bfloat16 or float16 on the CPU, found ", type, " on ", tensor.device());
}

/// Rows in memory.
struct Rows {
    const float *data;
    int64_t stride;
};

/// What a kernel reads.
class Numbers {
public:
    explicit Numbers(const at::Tensor &tensor) : data(tensor.const_data_ptr()), type(tensor.scalar_type()) {
        check_numbers(tensor);
    }

    bool are_float32() const { return type == at::kFloat; }

    /// `count` numbers: where they lie, or in `room` where they are of another type.
    const float *read(int64_t begin, int64_t count, float *room) const {
        return read_rows(begin, count, 1, count, room).data;
    }

    /// `rows` rows of `width` numbers, `stride` apart: where they lie, or one after the other in `room`.
    Rows read_rows(int64_t begin, int64_t stride, int64_t rows, int64_t width, float *room) const {
        if (are_float32()) return {static_cast<const float *>(data) + begin, stride};
        if (type == at::kBFloat16) {
            widen_rows(static_cast<const c10::BFloat16 *>(data) + begin, stride, room, rows, width);
        } else {
            widen_rows(static_cast<const _Float16 *>(data) + begin, stride, room, rows, width);
        }
        return {room, width};
    }

private:
    const void *data;
    at::ScalarType type;
};

/// What a kernel writes.
class Results {
public:
    explicit Results(const at::Tensor &tensor) : data(tensor.mutable_data_ptr()), type(tensor.scalar_type()) {
        check_numbers(tensor);
    }

    bool are_float32() const { return type == at::kFloat; }

    /// Where to compute what is then stored: the place itself, or `room` where the results are of another type.
    float *place(int64_t begin, float *room) const {
        return are_float32() ? static_cast<float *>(data) + begin : room;
    }

    /// Rounds what was computed in `room`.
    void store(int64_t begin, int64_t count, const float *room) const { store_rows(begin, count, 1, count, room); }

    /// Rounds rows that were computed one after the other in `room`, and stores them `stride` apart.
    void store_rows(int64_t begin, int64_t stride, int64_t rows, int64_t width, const float *room) const {
        if (type == at::kBFloat16) {
            narrow_rows(room, static_cast<c10::BFloat16 *>(data) + begin, stride, rows, width);
        } else if (type == at::kHalf) {
            narrow_rows(room, static_cast<_Float16 *>(data) + begin, stride, rows, width);
        }
    }

private:
    void *data;
    at::ScalarType type;
};

}  // namespace
}  // namespace ctorch
