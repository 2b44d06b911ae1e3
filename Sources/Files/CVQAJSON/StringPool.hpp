#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "CVQAJSON.h"
#include "FileError.hpp"

/// UTF-8 strings one after another.
class Strings {
public:
    void append(std::string_view text) {
        bytes.insert(bytes.end(), text.begin(), text.end());
        offsets.push_back(static_cast<std::int64_t>(bytes.size()));
    }

    std::string_view operator[](std::size_t index) const {
        auto begin = static_cast<std::size_t>(offsets[index]);
        auto end = static_cast<std::size_t>(offsets[index + 1]);
        return {reinterpret_cast<const char *>(bytes.data()) + begin, end - begin};
    }

    std::size_t size() const { return offsets.size() - 1; }

    VQAStrings view() const { return {bytes.data(), offsets.data(), size()}; }

private:
    std::vector<std::uint8_t> bytes;
    std::vector<std::int64_t> offsets{0};
};

/// Every different string once, numbered in order of first appearance.
class StringPool {
public:
    /// The number of a string, a new one where it was not seen before.
    std::int32_t intern(std::string_view text) {
        if (2 * (strings.size() + 1) > slots.size()) grow();
        auto hash = hashed(text);
        auto mask = slots.size() - 1;
        auto slot = hash & mask;
        while (slots[slot].number >= 0) {
            auto known = slots[slot];
            if (known.hash == hash && strings[static_cast<std::size_t>(known.number)] == text) {
                return known.number;
            }
            slot = (slot + 1) & mask;
        }
        if (strings.size() == std::numeric_limits<std::int32_t>::max()) {
            throw FileError{"has more different strings than can be numbered"};
        }
        slots[slot] = {hash, static_cast<std::int32_t>(strings.size())};
        strings.append(text);
        return slots[slot].number;
    }

    std::size_t size() const { return strings.size(); }

    VQAStrings view() const { return strings.view(); }

private:
    struct Slot {
        std::uint32_t hash = 0;
        std::int32_t number = -1;
    };

    void grow() {
        std::vector<Slot> larger(slots.empty() ? 1024 : 2 * slots.size());
        auto mask = larger.size() - 1;
        for (auto known : slots) {
            if (known.number < 0) continue;
            auto slot = known.hash & mask;
            while (larger[slot].number >= 0) slot = (slot + 1) & mask;
            larger[slot] = known;
        }
        slots.swap(larger);
    }

    /// Words of eight bytes, each multiplied into the state, whose halves are folded.
    std::uint32_t hashed(std::string_view text) const {
        __extension__ typedef unsigned __int128 Product;
        constexpr std::uint64_t factor = 0x9E3779B97F4A7C15;
        auto state = text.size() ^ seed;
        for (std::size_t position = 0; position <= text.size(); position += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data() + position, std::min<std::size_t>(8, text.size() - position));
            auto product = static_cast<Product>(state ^ word) * factor;
            state = static_cast<std::uint64_t>(product >> 64) ^ (static_cast<std::uint64_t>(product) + factor);
        }
        return static_cast<std::uint32_t>(state ^ state >> 32);
    }

    Strings strings;
    std::vector<Slot> slots;
    /// Where hashes start: drawn anew for each pool, for a file could hold strings that all have the same one, and would
    /// be looked for among one another.
    std::uint64_t seed = static_cast<std::uint64_t>(std::random_device{}()) << 32 | std::random_device{}();
};
