#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <simdjson.h>
#include <string>
#include <string_view>

#include "CVQAJSON.h"
#include "FileError.hpp"
#include "RecordReader.hpp"
#include "StringPool.hpp"

namespace ondemand = simdjson::ondemand;

static_assert(RecordReader::padding >= simdjson::SIMDJSON_PADDING);

struct VQAJSONStorage {
    virtual ~VQAJSONStorage() = default;
};

/// What the readers of all kinds of records share.
namespace vqajson {

/// Where in a file the parser is, for messages.
struct Place {
    const RecordReader &reader;
    std::int64_t answer = -1;
    const char *arrayName = "answers";

    /// `annotations[12].answers[3].answer_id`
    std::string name(std::string_view member = {}) const {
        auto name = reader.recordName(record());
        if (answer >= 0) name += std::string(".") + arrayName + '[' + std::to_string(answer) + ']';
        if (!member.empty()) name += '.' + std::string(member);
        return name;
    }

    std::int64_t record() const { return reader.count() - 1; }

    [[noreturn]] void fail(std::string message) const { throw FileError{std::move(message), record()}; }

    void check(simdjson::error_code error) const {
        if (error) fail(name() + " is not valid JSON: " + simdjson::error_message(error));
    }
};

inline std::string typeName(ondemand::value value) {
    ondemand::json_type type;
    if (value.type().get(type)) return "something that is not JSON";
    switch (type) {
    case ondemand::json_type::array: return "an array";
    case ondemand::json_type::object: return "an object";
    case ondemand::json_type::string: return "a string";
    case ondemand::json_type::boolean: return "a boolean";
    case ondemand::json_type::null: return "null";
    case ondemand::json_type::number: return "a number of another kind";
    }
    return "something unknown";
}

/// A member of a record, of the type that is asked for or a FileError.
struct Member {
    ondemand::value value;
    std::string_view name;
    const Place &place;

    std::int64_t integer() { return get<std::int64_t>("a 64-bit integer"); }

    /// An id: a whole number, or a text, which is numbered in `texts`.
    std::int64_t identifier(StringPool &texts) {
        std::int64_t number;
        if (!value.get(number) && number >= VQA_FIRST_NUMBER_ID) return number;
        ondemand::json_type type;
        place.check(value.type().get(type));
        if (type == ondemand::json_type::string) {
            auto text = string();
            if (text.empty()) place.fail(place.name(name) + " is an empty text");
            return INT64_MIN + texts.intern(text);
        }
        if (type != ondemand::json_type::number) {
            place.fail(place.name(name) + " should be a number or a text, found " + typeName(value));
        }
        double real;
        // Up to here, a number with a point stands for one whole number and no other.
        constexpr double largest = std::int64_t{1} << 53;
        if (value.get(real) || std::trunc(real) != real || std::abs(real) > largest) {
            place.fail(place.name(name) + " should be a 64-bit integer, found a number of another kind");
        }
        return static_cast<std::int64_t>(real);
    }

    /// A string, or a number as it is written.
    std::string_view answer() {
        ondemand::json_type type;
        if (value.type().get(type) || type != ondemand::json_type::number) return string();
        std::string_view token = value.raw_json_token();
        get<double>("a string or a number");
        return token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
    }

    bool isNull() {
        bool result;
        place.check(value.is_null().get(result));
        return result;
    }

    std::string_view string() { return get<std::string_view>("a string"); }
    ondemand::array array() { return get<ondemand::array>("an array"); }

    std::int32_t smallInteger() {
        auto number = integer();
        if (number < INT32_MIN || number > INT32_MAX) {
            place.fail(place.name(name) + " should be a 32-bit integer, found " + std::to_string(number));
        }
        return static_cast<std::int32_t>(number);
    }

private:
    template <typename T> T get(const char *expected) {
        T result;
        auto error = value.get(result);
        if (error == simdjson::INCORRECT_TYPE || error == simdjson::NUMBER_ERROR ||
            error == simdjson::NUMBER_OUT_OF_RANGE) {
            place.fail(place.name(name) + " should be " + expected + ", found " + typeName(value));
        }
        place.check(error);
        return result;
    }
};

/// Visits the named members of an object, in the order of the file. The first `requiredCount` must be there, none
/// may be there twice, and others are passed over.
///
/// Returns which of the names were there.
template <std::size_t count, typename Visit>
std::array<bool, count> visitMembers(ondemand::object object, const std::array<std::string_view, count> &names,
                                     std::size_t requiredCount, const Place &place, Visit visit) {
    std::array<bool, count> seen{};
    for (auto result : object) {
        ondemand::field field;
        place.check(std::move(result).get(field));
        for (std::size_t index = 0; index < count; ++index) {
            if (!field.key().unsafe_is_equal(names[index])) continue;
            if (seen[index]) place.fail(place.name() + " has \"" + std::string(names[index]) + "\" twice");
            seen[index] = true;
            visit(index, Member{field.value(), names[index], place});
            break;
        }
    }
    for (std::size_t index = 0; index < requiredCount; ++index) {
        if (!seen[index]) place.fail(place.name() + " has no \"" + std::string(names[index]) + '"');
    }
    return seen;
}

inline ondemand::object objectOf(simdjson::simdjson_result<ondemand::object> result, const Place &place) {
    ondemand::object object;
    auto error = std::move(result).get(object);
    if (error == simdjson::INCORRECT_TYPE) place.fail(place.name() + " should be an object");
    place.check(error);
    return object;
}

/// Reads every record of a file, each as an object with its place.
template <typename Visit> void visitRecords(const char *path, std::string_view arrayName, Visit visit) {
    RecordReader reader(path, arrayName);
    ondemand::parser parser;
    while (auto record = reader.next()) {
        Place place{reader};
        ondemand::document document;
        place.check(parser.iterate(*record, record->size() + RecordReader::padding).get(document));
        visit(objectOf(document.get_object(), place), place);
    }
}

inline void report(VQAJSONError *error, std::string_view message, std::int64_t record) {
    error->record = record;
    auto length = std::min(message.size(), sizeof error->message - 1);
    std::memcpy(error->message, message.data(), length);
    error->message[length] = '\0';
}

/// Runs what reads a file, and brings what it throws out as an error.
///
/// Returns whether nothing was thrown.
template <typename Work> bool guarded(VQAJSONError *error, Work work) noexcept {
    try {
        work();
        return true;
    } catch (const FileError &problem) {
        report(error, problem.message, problem.record);
    } catch (const std::exception &problem) {
        report(error, problem.what(), -1);
    }
    return false;
}

/// Reads a file to columns; null, and the error filled in, where that fails.
template <typename Columns, typename View>
VQAJSONStorage *readColumns(const char *path, View *view, VQAJSONError *error) noexcept {
    VQAJSONStorage *storage = nullptr;
    guarded(error, [&] {
        auto columns = new Columns(path);
        *view = columns->view();
        storage = columns;
    });
    return storage;
}

}  // namespace vqajson
