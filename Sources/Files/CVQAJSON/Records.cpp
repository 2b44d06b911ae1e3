#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <vector>

#include "CVQAJSON.h"
#include "FileError.hpp"
#include "RecordReader.hpp"
#include "StringPool.hpp"

namespace ondemand = simdjson::ondemand;

static_assert(RecordReader::padding >= simdjson::SIMDJSON_PADDING);

struct VQAJSONStorage {
    virtual ~VQAJSONStorage() = default;
};

namespace {

/// Where in a file the parser is, for messages.
struct Place {
    const RecordReader &reader;
    std::int64_t answer = -1;

    /// `annotations[12].answers[3].answer_id`
    std::string name(std::string_view member = {}) const {
        auto name = reader.recordName(record());
        if (answer >= 0) name += ".answers[" + std::to_string(answer) + ']';
        if (!member.empty()) name += '.' + std::string(member);
        return name;
    }

    std::int64_t record() const { return reader.count() - 1; }

    [[noreturn]] void fail(std::string message) const { throw FileError{std::move(message), record()}; }

    void check(simdjson::error_code error) const {
        if (error) fail(name() + " is not valid JSON: " + simdjson::error_message(error));
    }
};

std::string typeName(ondemand::value value) {
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

ondemand::object objectOf(simdjson::simdjson_result<ondemand::object> result, const Place &place) {
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

struct QuestionColumns : VQAJSONStorage {
    std::vector<std::int64_t> questionIDs, imageIDs;
    Strings texts;
    StringPool identifiers;

    explicit QuestionColumns(const char *path) {
        enum { questionID, imageID, question };
        constexpr std::array<std::string_view, 3> names{"question_id", "image_id", "question"};
        visitRecords(path, "questions", [&](ondemand::object record, const Place &place) {
            visitMembers(record, names, names.size(), place, [&](std::size_t index, Member member) {
                switch (index) {
                case questionID: questionIDs.push_back(member.identifier(identifiers)); break;
                case imageID: imageIDs.push_back(member.identifier(identifiers)); break;
                case question: texts.append(member.string()); break;
                }
            });
        });
    }

    VQAQuestions view() const {
        return {questionIDs.size(), questionIDs.data(), imageIDs.data(), texts.view(), identifiers.view()};
    }
};

struct AnnotationColumns : VQAJSONStorage {
    std::vector<std::int64_t> questionIDs, imageIDs;
    std::vector<std::int32_t> questionTypes, answerTypes, multipleChoiceAnswers;
    std::vector<std::int64_t> answerOffsets{0};
    std::vector<VQAHumanAnswer> answers;
    StringPool strings, identifiers;

    explicit AnnotationColumns(const char *path) {
        enum { questionID, imageID, humanAnswers, questionType, answerType, multipleChoiceAnswer };
        constexpr std::array<std::string_view, 6> names{
            "question_id", "image_id", "answers", "question_type", "answer_type", "multiple_choice_answer"};
        visitRecords(path, "annotations", [&](ondemand::object record, const Place &place) {
            auto seen = visitMembers(record, names, 3, place, [&](std::size_t index, Member member) {
                switch (index) {
                case questionID: questionIDs.push_back(member.identifier(identifiers)); break;
                case imageID: imageIDs.push_back(member.identifier(identifiers)); break;
                case questionType: questionTypes.push_back(strings.intern(member.string())); break;
                case answerType: answerTypes.push_back(strings.intern(member.string())); break;
                case multipleChoiceAnswer:
                    multipleChoiceAnswers.push_back(strings.intern(member.answer()));
                    break;
                case humanAnswers: appendAnswers(member.array(), place); break;
                }
            });
            if (!seen[questionType]) questionTypes.push_back(strings.intern("none of the above"));
            if (!seen[answerType]) answerTypes.push_back(strings.intern("other"));
            if (!seen[multipleChoiceAnswer]) multipleChoiceAnswers.push_back(mostFrequentAnswer());
        });
    }

    VQAAnnotations view() const {
        return {
            .count = questionIDs.size(),
            .question_ids = questionIDs.data(),
            .image_ids = imageIDs.data(),
            .question_types = questionTypes.data(),
            .answer_types = answerTypes.data(),
            .multiple_choice_answers = multipleChoiceAnswers.data(),
            .answer_offsets = answerOffsets.data(),
            .answers = answers.data(),
            .strings = strings.view(),
            .id_texts = identifiers.view(),
        };
    }

private:
    /// How often each string is an answer of the record at hand; zeros between records.
    std::vector<std::int64_t> tally;

    /// Of the last record's answers the most frequent one, the first of those that are equally so.
    std::int32_t mostFrequentAnswer() {
        auto begin = answers.begin() + answerOffsets[answerOffsets.size() - 2];
        tally.resize(std::max(tally.size(), strings.size()));
        for (auto answer = begin; answer != answers.end(); ++answer) ++tally[answer->answer];
        auto isRarer = [&](const VQAHumanAnswer &left, const VQAHumanAnswer &right) {
            return tally[left.answer] < tally[right.answer];
        };
        auto found = std::max_element(begin, answers.end(), isRarer)->answer;
        for (auto answer = begin; answer != answers.end(); ++answer) tally[answer->answer] = 0;
        return found;
    }

    void appendAnswers(ondemand::array array, const Place &recordPlace) {
        enum { text, answerID, confidence };
        constexpr std::array<std::string_view, 3> names{"answer", "answer_id", "answer_confidence"};
        Place place{recordPlace.reader, 0};
        for (auto element : array) {
            VQAHumanAnswer answer{};
            auto object = objectOf(element.get_object(), place);
            auto seen = visitMembers(object, names, 1, place, [&](std::size_t index, Member member) {
                switch (index) {
                case text: answer.answer = strings.intern(member.answer()); break;
                case confidence: answer.confidence = strings.intern(member.string()); break;
                case answerID: answer.answer_id = member.smallInteger(); break;
                }
            });
            // Answers that were not told apart would count as one person's.
            if (!seen[answerID]) answer.answer_id = static_cast<std::int32_t>(place.answer + 1);
            if (!seen[confidence]) answer.confidence = strings.intern("");
            answers.push_back(answer);
            ++place.answer;
        }
        if (place.answer == 0) recordPlace.fail(recordPlace.name("answers") + " is empty");
        answerOffsets.push_back(static_cast<std::int64_t>(answers.size()));
    }
};

struct ResultColumns : VQAJSONStorage {
    std::vector<std::int64_t> questionIDs;
    std::vector<std::int32_t> answers;
    StringPool strings, identifiers;

    explicit ResultColumns(const char *path) {
        enum { questionID, answer };
        constexpr std::array<std::string_view, 2> names{"question_id", "answer"};
        visitRecords(path, "", [&](ondemand::object record, const Place &place) {
            visitMembers(record, names, names.size(), place, [&](std::size_t index, Member member) {
                switch (index) {
                case questionID: questionIDs.push_back(member.identifier(identifiers)); break;
                case answer: answers.push_back(strings.intern(member.string())); break;
                }
            });
        });
    }

    VQAResults view() const {
        return {questionIDs.size(), questionIDs.data(), answers.data(), strings.view(), identifiers.view()};
    }
};

void report(VQAJSONError *error, std::string_view message, std::int64_t record) {
    error->record = record;
    auto length = std::min(message.size(), sizeof error->message - 1);
    std::memcpy(error->message, message.data(), length);
    error->message[length] = '\0';
}

template <typename Columns, typename View>
VQAJSONStorage *read(const char *path, View *view, VQAJSONError *error) noexcept {
    try {
        auto columns = new Columns(path);
        *view = columns->view();
        return columns;
    } catch (const FileError &problem) {
        report(error, problem.message, problem.record);
    } catch (const std::exception &problem) {
        report(error, problem.what(), -1);
    }
    return nullptr;
}

}  // namespace

VQAJSONStorage *vqa_questions_read(const char *path, VQAQuestions *view, VQAJSONError *error) {
    return read<QuestionColumns>(path, view, error);
}

VQAJSONStorage *vqa_annotations_read(const char *path, VQAAnnotations *view, VQAJSONError *error) {
    return read<AnnotationColumns>(path, view, error);
}

VQAJSONStorage *vqa_results_read(const char *path, VQAResults *view, VQAJSONError *error) {
    return read<ResultColumns>(path, view, error);
}

void vqa_json_release(VQAJSONStorage *storage) { delete storage; }
