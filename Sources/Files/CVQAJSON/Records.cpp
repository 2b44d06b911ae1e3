#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "CVQAJSON.h"
#include "RecordMembers.hpp"
#include "StringPool.hpp"

using namespace vqajson;

namespace {

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

}  // namespace

VQAJSONStorage *vqa_questions_read(const char *path, VQAQuestions *view, VQAJSONError *error) {
    return readColumns<QuestionColumns>(path, view, error);
}

VQAJSONStorage *vqa_annotations_read(const char *path, VQAAnnotations *view, VQAJSONError *error) {
    return readColumns<AnnotationColumns>(path, view, error);
}

VQAJSONStorage *vqa_results_read(const char *path, VQAResults *view, VQAJSONError *error) {
    return readColumns<ResultColumns>(path, view, error);
}

void vqa_json_release(VQAJSONStorage *storage) { delete storage; }
