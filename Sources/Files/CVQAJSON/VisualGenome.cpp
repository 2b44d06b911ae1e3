#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "CVQAJSON.h"
#include "RecordMembers.hpp"

using namespace vqajson;

namespace {

struct GenomeImageColumns : VQAJSONStorage {
    std::vector<std::int64_t> imageIDs, cocoIDs;

    explicit GenomeImageColumns(const char *path) {
        enum { imageID, cocoID };
        constexpr std::array<std::string_view, 2> names{"image_id", "coco_id"};
        visitRecords(path, "", [&](ondemand::object record, const Place &place) {
            std::int64_t image = 0, coco = -1;
            visitMembers(record, names, 1, place, [&](std::size_t index, Member member) {
                switch (index) {
                case imageID: image = member.integer(); break;
                case cocoID: coco = member.isNull() ? -1 : member.integer(); break;
                }
            });
            if (coco < 0) return;
            imageIDs.push_back(image);
            cocoIDs.push_back(coco);
        });
    }

    VQAGenomeImages view() const { return {imageIDs.size(), imageIDs.data(), cocoIDs.data()}; }
};

/// Ends a visit; no error.
struct VisitEnded {};

/// Gives a picture's questions to the visitor.
void visitQuestions(ondemand::array array, const Place &recordPlace, VQAGenomeVisitor visit, void *context) {
    enum { questionID, imageID, questionText, answerText };
    constexpr std::array<std::string_view, 4> names{"qa_id", "image_id", "question", "answer"};
    Place place{recordPlace.reader, 0, "qas"};
    for (auto element : array) {
        VQAGenomeQuestion found{};
        auto object = objectOf(element.get_object(), place);
        visitMembers(object, names, names.size(), place, [&](std::size_t index, Member member) {
            switch (index) {
            case questionID: found.question_id = member.integer(); break;
            case imageID: found.image_id = member.integer(); break;
            case questionText: {
                auto text = member.string();
                found.question = text.data();
                found.question_size = text.size();
                break;
            }
            case answerText: {
                auto text = member.answer();
                found.answer = text.data();
                found.answer_size = text.size();
                break;
            }
            }
        });
        if (!visit(context, &found)) throw VisitEnded{};
        ++place.answer;
    }
}

void visitGenome(const char *path, VQAGenomeVisitor visit, void *context) {
    constexpr std::array<std::string_view, 1> names{"qas"};
    try {
        visitRecords(path, "", [&](ondemand::object record, const Place &place) {
            visitMembers(record, names, names.size(), place, [&](std::size_t, Member member) {
                visitQuestions(member.array(), place, visit, context);
            });
        });
    } catch (VisitEnded) {
    }
}

}  // namespace

VQAJSONStorage *vqa_genome_images_read(const char *path, VQAGenomeImages *view, VQAJSONError *error) {
    return readColumns<GenomeImageColumns>(path, view, error);
}

bool vqa_genome_questions_visit(const char *path, VQAGenomeVisitor visit, void *context, VQAJSONError *error) {
    return guarded(error, [&] { visitGenome(path, visit, context); });
}
