#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Hands out the records of one array of a JSON file, one at a time.
///
/// A JSON parser needs memory in proportion to its input, so it is given one record at a time.
/// This class only finds where records begin and end (it follows brackets and strings, nothing
/// more) in a window that slides over the file; what is inside a record is for the parser to judge.
class RecordReader {
public:
    /// Bytes behind a record that may be read, whatever they hold.
    static constexpr std::size_t padding = 64;

    /// `arrayName`: the member of the file's object that holds the records, or empty where the
    /// file itself is the array. Throws FileError.
    RecordReader(const char *path, std::string_view arrayName);
    ~RecordReader();
    RecordReader(const RecordReader &) = delete;
    RecordReader &operator=(const RecordReader &) = delete;

    /// The text of the next record, valid until the next call and followed by `padding` bytes;
    /// nothing once the last record was given and the rest of the file was found in order.
    /// Throws FileError.
    std::optional<std::string_view> next();

    /// How many records were handed out.
    std::int64_t count() const { return recordCount; }

    /// `annotations[12]`, or `[12]` in a file that is itself the array: as Python would index it.
    std::string recordName(std::int64_t index) const;

private:
    bool refill();
    int peekByte();
    int peekToken();
    void expect(char token, const char *where);
    void skipByteOrderMark();
    void skipString();
    void skipContainer();
    void skipValue();
    std::string_view readKey();
    bool nextMember();
    void findArray();
    void finishFile();
    [[noreturn]] void fail(std::string message) const;
    [[noreturn]] void failAtToken(const std::string &expected);

    int file = -1;
    std::string arrayName;
    std::vector<char> window;
    std::size_t position = 0;            // of the next byte to look at, in the window
    std::size_t limit = 0;               // end of what was read, in the window
    std::optional<std::size_t> kept;     // bytes from here on must stay in the window
    std::int64_t windowStart = 0;        // offset of the window in the file
    std::int64_t recordCount = 0;
    bool insideRecord = false;
    bool isFirstMember = true;
    bool isFinished = false;
};
