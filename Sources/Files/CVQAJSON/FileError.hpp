#pragma once

#include <cstdint>
#include <string>

/// What was wrong with a file; thrown inside this target, a VQAJSONError outside it.
struct FileError {
    std::string message;
    std::int64_t record = -1;
};
