#include "RecordReader.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include "FileError.hpp"

namespace {

constexpr std::size_t windowSize = 1 << 20;
/// A record is some 1 KB; a file that asks for this much is not one of questions and answers.
constexpr std::size_t largestRecord = 64 << 20;
constexpr int endOfFile = -1;

std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

std::string systemError() { return std::generic_category().message(errno); }

bool isSpace(int byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

}  // namespace

RecordReader::RecordReader(const char *path, std::string_view arrayName)
    : arrayName(arrayName), window(windowSize + padding) {
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("cannot be opened: " + systemError());
    try {
        skipByteOrderMark();
        if (peekToken() == endOfFile) fail("is empty, not JSON");
        findArray();
    } catch (...) {
        close(file);
        throw;
    }
}

RecordReader::~RecordReader() { close(file); }

std::string RecordReader::recordName(std::int64_t index) const {
    return arrayName + '[' + std::to_string(index) + ']';
}

std::optional<std::string_view> RecordReader::next() {
    if (isFinished) return std::nullopt;
    int token = peekToken();
    if (token == ']') {
        finishFile();
        return std::nullopt;
    }
    if (recordCount > 0) {
        if (token != ',') failAtToken("',' or ']' after " + recordName(recordCount - 1));
        ++position;
    }
    peekToken();
    kept = position;
    insideRecord = true;
    skipValue();
    insideRecord = false;
    std::string_view record(window.data() + *kept, position - *kept);
    kept.reset();
    ++recordCount;
    return record;
}

/// Skips the mark that some editors and tables put before UTF-8.
void RecordReader::skipByteOrderMark() {
    kept = 0;
    for (int byte : {0xEF, 0xBB, 0xBF}) {
        if (peekByte() != byte) {
            position = 0;
            break;
        }
        ++position;
    }
    kept.reset();
}

/// Goes to the first record, over the members of the file's object that come before the array.
void RecordReader::findArray() {
    if (!arrayName.empty()) {
        expect('{', "at the start of the file");
        bool found = false;
        while (!found) {
            if (!nextMember()) fail("has no " + quoted(arrayName) + " array");
            found = readKey() == arrayName;
            expect(':', "after a key");
            if (!found) skipValue();
        }
    }
    expect('[', arrayName.empty() ? "at the start of the file" : "after the key of the records");
}

/// Reads what follows the last record: a file cut off after it is as broken as any other.
void RecordReader::finishFile() {
    expect(']', "after the records");
    while (!arrayName.empty() && nextMember()) {
        if (readKey() == arrayName) fail("has " + quoted(arrayName) + " twice");
        expect(':', "after a key");
        skipValue();
    }
    if (peekToken() != endOfFile) failAtToken("the end of the file");
    isFinished = true;
}

/// Goes to the key of the file object's next member; false, and past the object, when there is none.
bool RecordReader::nextMember() {
    if (peekToken() == '}') {
        ++position;
        return false;
    }
    if (!isFirstMember) expect(',', "between the members of the file's object");
    isFirstMember = false;
    return true;
}

/// The key's text as it stands in the file, valid until the window moves.
std::string_view RecordReader::readKey() {
    if (peekToken() != '"') failAtToken("a key");
    kept = position;
    skipString();
    std::string_view key(window.data() + *kept + 1, position - *kept - 2);
    kept.reset();
    return key;
}

void RecordReader::skipValue() {
    int token = peekToken();
    if (token == '{' || token == '[') return skipContainer();
    if (token == '"') return skipString();
    auto endsScalar = [](int byte) {
        return isSpace(byte) || byte == ',' || byte == ']' || byte == '}' || byte == endOfFile;
    };
    if (endsScalar(token)) failAtToken("a value");
    while (!endsScalar(peekByte())) ++position;
}

/// Skips a string, the opening quote included.
void RecordReader::skipString() {
    ++position;
    while (position < limit || refill()) {
        const char *begin = window.data() + position;
        const char *end = window.data() + limit;
        const char *cursor = begin;
        while (cursor != end && *cursor != '"' && *cursor != '\\') ++cursor;
        position += static_cast<std::size_t>(cursor - begin);
        if (cursor == end) continue;
        ++position;
        if (*cursor == '"') return;
        if (peekByte() != endOfFile) ++position;  // whatever is escaped
    }
    failAtToken("the end of a string");
}

/// Skips an object or array. Which kind of bracket closes which is left to the parser.
void RecordReader::skipContainer() {
    auto matters = [](char byte) {
        return byte == '"' || byte == '{' || byte == '[' || byte == '}' || byte == ']';
    };
    std::int64_t depth = 0;
    while (position < limit || refill()) {
        const char *begin = window.data() + position;
        const char *end = window.data() + limit;
        const char *cursor = begin;
        while (cursor != end && !matters(*cursor)) ++cursor;
        position += static_cast<std::size_t>(cursor - begin);
        if (cursor == end) continue;
        if (*cursor == '"') {
            skipString();
            continue;
        }
        depth += *cursor == '{' || *cursor == '[' ? 1 : -1;
        ++position;
        if (depth == 0) return;
    }
    failAtToken("a closing bracket");
}

/// The next byte that is not white space, not consumed.
int RecordReader::peekToken() {
    while (isSpace(peekByte())) ++position;
    return peekByte();
}

int RecordReader::peekByte() {
    if (position == limit && !refill()) return endOfFile;
    return static_cast<unsigned char>(window[position]);
}

void RecordReader::expect(char token, const char *where) {
    if (peekToken() != token) failAtToken(std::string("'") + token + "' " + where);
    ++position;
}

/// Moves the window on, keeping what is still needed, and reads more; false at the end of the file.
bool RecordReader::refill() {
    std::size_t start = kept.value_or(position);
    if (start > 0) {
        std::memmove(window.data(), window.data() + start, limit - start);
        windowStart += static_cast<std::int64_t>(start);
        position -= start;
        limit -= start;
        if (kept) kept = 0;
    }
    if (limit == window.size() - padding) {
        if (limit >= largestRecord) {
            auto what = insideRecord ? recordName(recordCount) : "a key";
            fail(what + " is larger than 64 MiB: not a file of this kind");
        }
        window.resize(2 * limit + padding);
    }
    ssize_t byteCount;
    do {
        byteCount = read(file, window.data() + limit, window.size() - padding - limit);
    } while (byteCount < 0 && errno == EINTR);
    if (byteCount < 0) fail("cannot be read: " + systemError());
    limit += static_cast<std::size_t>(byteCount);
    return byteCount > 0;
}

void RecordReader::fail(std::string message) const {
    throw FileError{std::move(message), insideRecord ? recordCount : -1};
}

void RecordReader::failAtToken(const std::string &expected) {
    auto offset = std::to_string(windowStart + static_cast<std::int64_t>(position));
    int token = peekByte();
    if (token == endOfFile) {
        auto place = insideRecord ? " inside " + recordName(recordCount) : std::string();
        fail("is cut off: it ends at byte " + offset + place + ", expected " + expected);
    }
    auto found = token > ' ' && token < 127 ? std::string("'") + static_cast<char>(token) + "'"
                                            : "the byte " + std::to_string(token);
    fail("is not the JSON expected: " + expected + " at byte " + offset + ", found " + found);
}
