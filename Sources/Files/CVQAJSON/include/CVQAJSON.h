// Question, annotation and result files of the VQA-v2 form, and those of Visual Genome, read straight into columns.
//
// The files are read through a sliding window, so that a 390 MB file costs only its columns.
// Nothing is thrown across this border: a read returns NULL and fills the error in, or returns
// storage that owns all columns of the view, to be given back with vqa_json_release.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What was wrong with a file.
typedef struct {
    /// The position in its array of the record that was wrong, or -1 where it was the whole file.
    int64_t record;
    /// One line of UTF-8, ended by NUL: what was expected and what was found.
    char message[512];
} VQAJSONError;

/// Owns the columns of one file.
typedef struct VQAJSONStorage VQAJSONStorage;

/// UTF-8 strings one after another: string i is bytes[offsets[i] ..< offsets[i + 1]].
typedef struct {
    const uint8_t *bytes;
    const int64_t *offsets;  // [count + 1]
    size_t count;
} VQAStrings;

/// Ids are numbers or texts. A number is its own id; text i of a view's `id_texts` has the id INT64_MIN + i. Numbers
/// below this one would be taken for texts, and are refused.
#define VQA_FIRST_NUMBER_ID (INT64_MIN + (INT64_C(1) << 32))

/// `{"questions": [{"question_id", "image_id", "question"}, ...]}`
typedef struct {
    size_t count;
    const int64_t *question_ids;  // [count]
    const int64_t *image_ids;     // [count]
    VQAStrings texts;             // [count]
    VQAStrings id_texts;
} VQAQuestions;

/// One of the answers that people gave to a question. `answer` and `confidence` number strings.
typedef struct {
    int32_t answer;
    int32_t confidence;
    int32_t answer_id;
} VQAHumanAnswer;

/// `{"annotations": [{"question_id", "image_id", "question_type", "answer_type",
///   "multiple_choice_answer", "answers": [{"answer", "answer_confidence", "answer_id"}, ...]}, ...]}`
///
/// Every different string is kept once, in `strings`; the int32 columns number them. What a file may leave out:
/// `question_type` ("none of the above"), `answer_type` ("other"), `multiple_choice_answer` (the most frequent answer,
/// the first of those that are equally so), `answer_confidence` (""), `answer_id` (the answer's place, from 1). Answers
/// that are numbers count as texts, as they are written.
typedef struct {
    size_t count;
    const int64_t *question_ids;             // [count]
    const int64_t *image_ids;                // [count]
    const int32_t *question_types;           // [count]
    const int32_t *answer_types;             // [count]
    const int32_t *multiple_choice_answers;  // [count]
    const int64_t *answer_offsets;           // [count + 1]
    const VQAHumanAnswer *answers;           // [answer_offsets[count]]
    VQAStrings strings;
    VQAStrings id_texts;
} VQAAnnotations;

/// `[{"answer", "question_id"}, ...]`; `answers` numbers strings.
typedef struct {
    size_t count;
    const int64_t *question_ids;  // [count]
    const int32_t *answers;       // [count]
    VQAStrings strings;
    VQAStrings id_texts;
} VQAResults;

/// `[{"image_id", "coco_id"}, ...]`, as Visual Genome's image_data.json: the pictures that are COCO's. Those whose
/// `coco_id` is null, -1 or not there are left out.
typedef struct {
    size_t count;
    const int64_t *image_ids;  // [count]
    const int64_t *coco_ids;   // [count]
} VQAGenomeImages;

/// A question of Visual Genome. The texts are UTF-8 without an end, and are gone after the call.
typedef struct {
    int64_t question_id;
    int64_t image_id;
    const char *question;
    size_t question_size;
    const char *answer;
    size_t answer_size;
} VQAGenomeQuestion;

/// Is given a question, and says whether to go on.
typedef bool (*VQAGenomeVisitor)(void *context, const VQAGenomeQuestion *question);

VQAJSONStorage *vqa_questions_read(const char *path, VQAQuestions *view, VQAJSONError *error);
VQAJSONStorage *vqa_annotations_read(const char *path, VQAAnnotations *view, VQAJSONError *error);
VQAJSONStorage *vqa_results_read(const char *path, VQAResults *view, VQAJSONError *error);
VQAJSONStorage *vqa_genome_images_read(const char *path, VQAGenomeImages *view, VQAJSONError *error);
/// Visits `[{"qas": [{"qa_id", "image_id", "question", "answer"}, ...]}, ...]`, as Visual Genome's question_answers.json,
/// of which one picture's questions at a time are in memory. Returns whether the file was in order, as far as the visitor
/// went on.
bool vqa_genome_questions_visit(const char *path, VQAGenomeVisitor visit, void *context, VQAJSONError *error);
void vqa_json_release(VQAJSONStorage *storage);

#ifdef __cplusplus
}
#endif
