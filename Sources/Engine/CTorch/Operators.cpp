// The generic call: an operator of the dispatcher by name, its arguments as tagged values.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <ATen/core/stack.h>

#include <cstdlib>
#include <mutex>
#include <memory>
#include <sstream>
#include <unordered_map>

#include "Bridge.h"

using ctorch::guarded;
using ctorch::release;
using ctorch::retained;

/// What an argument's type in the schema asks for, where the tagged value alone does not say it.
enum class Expected { other, number, floating, device, doubles, bools, scalars };

struct ctorch_operator {
    c10::OperatorHandle handle;
    std::vector<Expected> expected;
    std::vector<std::optional<c10::IValue>> defaults;
};

namespace {

Expected expected_of(const c10::TypePtr &declared) {
    auto type = declared;
    if (auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
    switch (type->kind()) {
    case c10::TypeKind::NumberType: return Expected::number;
    case c10::TypeKind::FloatType: return Expected::floating;
    case c10::TypeKind::DeviceObjType: return Expected::device;
    case c10::TypeKind::ListType:
        switch (type->expectRef<c10::ListType>().getElementType()->kind()) {
        case c10::TypeKind::OptionalType: return Expected::scalars;
        case c10::TypeKind::FloatType: return Expected::doubles;
        case c10::TypeKind::BoolType: return Expected::bools;
        default: return Expected::other;
        }
    default: return Expected::other;
    }
}

c10::Device device_of(const ctorch_value &value) {
    auto device = c10::Device(static_cast<const char *>(value.pointer));
    if (value.integer >= 0) device.set_index(static_cast<c10::DeviceIndex>(value.integer));
    return device;
}

c10::IValue int_list(const ctorch_value &value, Expected expected) {
    auto numbers = static_cast<const int64_t *>(value.pointer);
    if (expected == Expected::doubles) {
        c10::List<double> list;
        for (int64_t i = 0; i < value.integer; ++i) list.push_back(static_cast<double>(numbers[i]));
        return list;
    }
    if (expected == Expected::bools) {
        c10::List<bool> list;
        for (int64_t i = 0; i < value.integer; ++i) list.push_back(numbers[i] != 0);
        return list;
    }
    if (expected == Expected::scalars) {
        c10::List<std::optional<at::Scalar>> list;
        for (int64_t i = 0; i < value.integer; ++i) list.push_back(at::Scalar(numbers[i]));
        return list;
    }
    return c10::List<int64_t>(c10::IntArrayRef(numbers, value.integer));
}

c10::IValue argument(const ctorch_value &value, const ctorch_operator &op, size_t position) {
    auto expected = op.expected[position];
    switch (value.kind) {
    case CTORCH_NONE: return {};
    case CTORCH_DEFAULT:
        if (!op.defaults[position]) {
            const auto &name = op.handle.schema().arguments()[position].name();
            throw std::invalid_argument("argument '" + name + "' has no default");
        }
        return *op.defaults[position];
    case CTORCH_BOOL: return value.integer != 0;
    case CTORCH_INT:
        if (expected == Expected::floating) return static_cast<double>(value.integer);
        return value.integer;
    case CTORCH_DOUBLE: return value.number;
    case CTORCH_STRING: return std::string(static_cast<const char *>(value.pointer));
    case CTORCH_DEVICE: return device_of(value);
    case CTORCH_TENSOR:
        return retained(static_cast<ctorch_tensor_ref>(const_cast<void *>(value.pointer)));
    case CTORCH_TENSOR_LIST: {
        auto tensors = static_cast<const ctorch_tensor_ref *>(value.pointer);
        c10::List<at::Tensor> list;
        list.reserve(value.integer);
        for (int64_t i = 0; i < value.integer; ++i) list.push_back(retained(tensors[i]));
        return list;
    }
    case CTORCH_OPTIONAL_TENSOR_LIST: {
        auto tensors = static_cast<const ctorch_tensor_ref *>(value.pointer);
        c10::List<std::optional<at::Tensor>> list;
        list.reserve(value.integer);
        for (int64_t i = 0; i < value.integer; ++i) {
            list.push_back(tensors[i] ? std::optional(retained(tensors[i])) : std::nullopt);
        }
        return list;
    }
    case CTORCH_INT_LIST: return int_list(value, expected);
    case CTORCH_DOUBLE_LIST:
        return c10::List<double>(
            c10::ArrayRef<double>(static_cast<const double *>(value.pointer), value.integer));
    }
    throw std::invalid_argument("an argument of an unknown kind");
}

ctorch_value result(c10::IValue value) {
    ctorch_value out{CTORCH_NONE, 0, 0, nullptr};
    if (value.isTensor()) {
        out.pointer = release(std::move(value).toTensor());
        out.kind = out.pointer ? CTORCH_TENSOR : CTORCH_NONE;
    } else if (value.isTensorList()) {
        auto list = value.toTensorVector();
        auto tensors = static_cast<ctorch_tensor_ref *>(malloc(sizeof(ctorch_tensor_ref) * (list.size() + 1)));
        for (size_t i = 0; i < list.size(); ++i) tensors[i] = release(std::move(list[i]));
        out = {CTORCH_TENSOR_LIST, static_cast<int64_t>(list.size()), 0, tensors};
    } else if (value.isBool()) {
        out = {CTORCH_BOOL, value.toBool(), 0, nullptr};
    } else if (value.isInt()) {
        out = {CTORCH_INT, value.toInt(), 0, nullptr};
    } else if (value.isDouble()) {
        out = {CTORCH_DOUBLE, 0, value.toDouble(), nullptr};
    } else if (value.isIntList()) {
        auto list = value.toIntVector();
        auto numbers = static_cast<int64_t *>(malloc(sizeof(int64_t) * (list.size() + 1)));
        std::copy(list.begin(), list.end(), numbers);
        out = {CTORCH_INT_LIST, static_cast<int64_t>(list.size()), 0, numbers};
    } else if (!value.isNone()) {
        throw std::invalid_argument("a result of type " + value.tagKind() + " cannot be returned");
    }
    return out;
}

}  // namespace

ctorch_operator_ref ctorch_operator_find(const char *name, const char *overload, char **error) {
    return guarded<ctorch_operator_ref>(error, nullptr, [&] {
        auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
        if (!handle) {
            std::string wanted = std::string(name) + (*overload ? "." : "") + overload;
            throw std::invalid_argument("libtorch has no operator " + wanted);
        }
        std::unique_ptr<ctorch_operator> op(new ctorch_operator{*handle, {}, {}});
        for (const auto &declared : handle->schema().arguments()) {
            op->expected.push_back(expected_of(declared.real_type()));
            op->defaults.push_back(declared.default_value());
        }
        return static_cast<ctorch_operator_ref>(op.release());
    });
}

void ctorch_operator_free(ctorch_operator_ref op) { delete op; }

char *ctorch_operator_schema(ctorch_operator_ref op) {
    return guarded<char *>(nullptr, nullptr, [&] {
        std::ostringstream text;
        text << op->handle.schema();
        return strdup(text.str().c_str());
    });
}

bool ctorch_operator_call(
    ctorch_operator_ref op, const ctorch_value *arguments, int32_t argument_count,
    ctorch_value *results, int32_t result_capacity, int32_t *result_count, char **error) {
    return guarded(error, false, [&] {
        auto declared = op->expected.size();
        if (static_cast<size_t>(argument_count) > declared) {
            throw std::invalid_argument(
                "expected at most " + std::to_string(declared) + " arguments, found " +
                std::to_string(argument_count));
        }
        torch::jit::Stack stack;
        stack.reserve(declared);
        static const ctorch_value omitted{CTORCH_DEFAULT, 0, 0, nullptr};
        for (size_t i = 0; i < declared; ++i) {
            bool given = i < static_cast<size_t>(argument_count);
            stack.push_back(argument(given ? arguments[i] : omitted, *op, i));
        }
        op->handle.callBoxed(stack);
        if (stack.size() > static_cast<size_t>(result_capacity)) {
            throw std::length_error("more results than there is room for");
        }
        *result_count = 0;
        for (auto &value : stack) results[(*result_count)++] = result(std::move(value));
        return true;
    });
}
