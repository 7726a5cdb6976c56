/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TOML through toml11. No exception leaves this file. */
#include <algorithm>
#include <new>
#include <sstream>
#include <string>
#include <toml.hpp>
#include <utility>
#include <vector>

#include "config/config_toml.h"

namespace
{

/* toml11 writes a drawing of several lines: "[error] toml::function: what", and below the quoted
 * line "^--- hint". This makes one sentence of the two. */
std::string sentence_of(const std::string &drawing)
{
    std::string first = drawing.substr(0, drawing.find('\n'));
    size_t colon = first.find(": ");
    std::string what = colon == std::string::npos ? "" : first.substr(colon + 2);

    std::string hint;
    size_t arrow = drawing.find("^--- ");
    if (arrow != std::string::npos) {
        size_t begin = arrow + 5;
        hint = drawing.substr(begin, drawing.find('\n', begin) - begin);
    }
    if (what.empty()) {
        return hint.empty() ? "not valid TOML" : hint;
    }
    if (!hint.empty() && what.back() == '.' && what.find("already") == std::string::npos) {
        what.pop_back();
    }
    bool tells = !hint.empty() && hint != "here" && what.find("already") == std::string::npos;
    return tells ? what + ": " + hint : what;
}

/* How deep the brackets outside strings and comments nest. A string over several lines counts as
 * bare text from its second line on, which can only overestimate. */
size_t nesting_of(tj_str text)
{
    size_t depth = 0;
    size_t deepest = 0;
    char quote = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '\n') {
            quote = 0;
        } else if (quote) {
            if (quote == '"' && c == '\\') {
                i++;
            } else if (c == quote) {
                quote = 0;
            }
        } else if (c == '"' || c == '\'' || c == '#') {
            quote = c == '#' ? '\n' : c;
        } else if (c == '[' || c == '{') {
            deepest = std::max(deepest, ++depth);
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

unsigned line_of(const toml::value &value)
{
    return static_cast<unsigned>(value.location().line());
}

tj__toml_kind kind_of(const toml::value &value)
{
    switch (value.type()) {
    case toml::value_t::string:
        return TJ__TOML_TEXT;
    case toml::value_t::integer:
        return TJ__TOML_INTEGER;
    case toml::value_t::boolean:
        return TJ__TOML_BOOLEAN;
    case toml::value_t::floating:
        return TJ__TOML_FLOAT;
    case toml::value_t::array:
        return TJ__TOML_ARRAY;
    case toml::value_t::table:
        return TJ__TOML_TABLE;
    default:
        return TJ__TOML_TIME;
    }
}

tj__toml_value plain_of(const char *table, const std::string &key, const toml::value &value)
{
    tj__toml_value plain{};
    plain.table = table;
    plain.key = {key.data(), key.size()};
    plain.line = line_of(value);
    plain.kind = kind_of(value);
    if (plain.kind == TJ__TOML_TEXT) {
        const std::string &text = value.as_string().str;
        plain.text = {text.c_str(), text.size()};
    } else if (plain.kind == TJ__TOML_INTEGER) {
        plain.integer = value.as_integer();
    } else if (plain.kind == TJ__TOML_BOOLEAN) {
        plain.boolean = value.as_boolean();
    }
    return plain;
}

/* Follows a dotted name from the root; NULL when nothing is there. A table of another program on
 * the way is none of our business, whatever it is. */
const toml::value *find(const toml::value &root, const std::string &dotted)
{
    const toml::value *at = &root;
    std::istringstream parts(dotted);
    for (std::string part; std::getline(parts, part, '.');) {
        if (!at->is_table() || !at->contains(part)) {
            return nullptr;
        }
        at = &at->at(part);
    }
    return at;
}

tj_status visit_table(const char *file, const toml::value &root, const char *name,
                      tj__toml_visitor *visitor, void *context, tj_error *error)
{
    const toml::value *table = find(root, name);
    if (!table) {
        return TJ_OK;
    }
    if (!table->is_table()) {
        std::string what = std::string(name) + " is " + tj__toml_kind_name(kind_of(*table)) +
                           "; expected a table, [" + name + "]";
        return tj__toml_fail(error, TJ_INVALID, file, line_of(*table), what.c_str());
    }
    std::vector<tj__toml_value> values;
    for (const auto &entry : table->as_table()) {
        values.push_back(plain_of(name, entry.first, entry.second));
    }
    std::sort(values.begin(), values.end(),
              [](const tj__toml_value &a, const tj__toml_value &b) { return a.line < b.line; });
    for (const tj__toml_value &value : values) {
        tj_status status = visitor(context, &value, error);
        if (status != TJ_OK) {
            return status;
        }
    }
    return TJ_OK;
}

tj_status visit_place(const char *file, const toml::value &root, const tj__toml_place &place,
                      tj__toml_visitor *visitor, void *context, tj_error *error)
{
    if (!place.key) {
        return visit_table(file, root, place.table, visitor, context, error);
    }
    const toml::value *found = find(root, std::string(place.table) + "." + place.key);
    if (!found) {
        return TJ_OK;
    }
    const std::string key = place.key;
    tj__toml_value value = plain_of(place.table, key, *found);
    return visitor(context, &value, error);
}

} // namespace

const char *tj__toml_kind_name(tj__toml_kind kind)
{
    static const char *const names[] = {"text",   "an integer", "a boolean", "a float",
                                        "a time", "an array",   "a table"};
    return names[kind];
}

tj_status tj__toml_visit(const char *file, tj_str text, const tj__toml_place *places,
                         size_t place_count, tj__toml_visitor *visitor, void *context,
                         tj_error *error)
{
    if (nesting_of(text) > TJ__TOML_DEPTH_MAX) {
        return tj__toml_fail(error, TJ_LIMIT, file, 0, "brackets nest too deep");
    }
    try {
        std::istringstream stream(std::string(text.data ? text.data : "", text.size));
        const toml::value root = toml::parse(stream, file);
        tj_status status = TJ_OK;
        for (size_t i = 0; i < place_count && status == TJ_OK; i++) {
            status = visit_place(file, root, places[i], visitor, context, error);
        }
        return status;
    } catch (const toml::exception &failure) {
        return tj__toml_fail(error, TJ_INVALID, file,
                             static_cast<unsigned>(failure.location().line()),
                             sentence_of(failure.what()).c_str());
    } catch (const std::bad_alloc &) {
        return tj__toml_fail(error, TJ_NOMEM, file, 0, "out of memory");
    } catch (const std::exception &failure) {
        return tj__toml_fail(error, TJ_INVALID, file, 0, failure.what());
    }
}
