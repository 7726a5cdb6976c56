/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is JSON, what is not, and what is said about it. */
#include "support.h"

#include "json/check.h"

static void good_texts_are_taken(void **state)
{
    (void)state;
    const char *const texts[] = {
        "0",
        "-0",
        " 12.5e-3 ",
        "1E400",
        "18446744073709551616",
        "true",
        "\tfalse\r\n",
        "null",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":1,\"a\":2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\"",
        "\"\\ud83d\\uDE00\"",
        "\"\x7f\"",
        "\"\xc5\xbc \xe2\x9c\x93 \xf0\x9f\x93\x88 \xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf\"",
        "{\"\\u0061\" : [1,2 , 3], \"b\":{\"c\":null} }",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tj_error error = TJ_ERROR_INIT;
        if (tj__json_check(tj_str_of(texts[i]), "payload", &error) != TJ_OK) {
            fail_msg("%s: %s", texts[i], error.message);
        }
    }
}

typedef struct bad {
    const char *text;
    const char *message;
} bad;

static void bad_texts_are_explained(void **state)
{
    (void)state;
    const bad table[] = {
        {"", "line 1, column 1: there is no JSON value"},
        {" \n ", "line 2, column 2: there is no JSON value"},
        {"[1,2", "line 1, column 5: the text ends before the value is complete"},
        {"[1,", "line 1, column 4: the text ends before the value is complete"},
        {"{\"a\":", "line 1, column 6: the text ends before the value is complete"},
        {"{\"a\"", "line 1, column 5: the text ends before the value is complete"},
        {"{", "line 1, column 2: the text ends before the value is complete"},
        {"[1,,2]", "line 1, column 4: \",\" is not expected here"},
        {"[,1]", "line 1, column 2: \",\" is not expected here"},
        {"[1,]", "line 1, column 4: \"]\" is not expected here"},
        {"[1 2]", "line 1, column 4: \"2\" is not expected here"},
        {"[1 \"a\"]", "line 1, column 4: a string is not expected here"},
        {"{\"a\",1}", "line 1, column 5: \",\" is not expected here"},
        {"{\"a\" 1}", "line 1, column 6: \"1\" is not expected here"},
        {"{\"a\":1,}", "line 1, column 8: \"}\" is not expected here"},
        {"{1:2}", "line 1, column 2: \"1\" is not expected here"},
        {"[}", "line 1, column 2: \"}\" is not expected here"},
        {"]", "line 1, column 1: \"]\" is not expected here"},
        {"{\"a\":\n  tru}", "line 2, column 3: \"tru\" is not a JSON value"},
        {"nul", "line 1, column 1: \"nul\" is not a JSON value"},
        {"True", "line 1, column 1: \"True\" is not a JSON value"},
        {"NaN", "line 1, column 1: \"NaN\" is not a JSON value"},
        {"-", "line 1, column 1: \"-\" is not a JSON value"},
        {"+1", "line 1, column 1: \"+1\" is not a JSON value"},
        {"[01]", "line 1, column 3: \"1\" is not expected here"},
        {"[-01]", "line 1, column 4: \"1\" is not expected here"},
        {"[1.5.5]", "line 1, column 5: \".5\" is not a JSON value"},
        {"[truex]", "line 1, column 6: \"x\" is not a JSON value"},
        {"[1e+]", "line 1, column 2: \"1e+\" is not a JSON value"},
        {"{\"a\":1 \"b\":2}", "line 1, column 8: a string is not expected here"},
        {"{\"a\":1,\"b\"}", "line 1, column 11: \"}\" is not expected here"},
        {"{\"a\":[}", "line 1, column 7: \"}\" is not expected here"},
        {"[{\"a\":1]", "line 1, column 8: \"]\" is not expected here"},
        {"[1.]", "line 1, column 2: \"1.\" is not a JSON value"},
        {"[.5]", "line 1, column 2: \".5\" is not a JSON value"},
        {"[1e]", "line 1, column 2: \"1e\" is not a JSON value"},
        {"'a'", "line 1, column 1: \"'\" is not expected here"},
        {"// a\n1", "line 1, column 1: \"/\" is not expected here"},
        {"[1, /* 2 */ 3]", "line 1, column 5: \"/\" is not expected here"},
        {"[1]]", "line 1, column 4: there is more text after the value"},
        {"{} x", "line 1, column 4: there is more text after the value"},
        {"{} \"x", "line 1, column 4: there is more text after the value"},
        {"1 2", "line 1, column 3: there is more text after the value"},
        {"null\nnull", "line 2, column 1: there is more text after the value"},
        {"\"a", "line 1, column 1: the string that starts here does not end"},
        {"[\"a\\\"]", "line 1, column 2: the string that starts here does not end"},
        {"[\"a\\", "line 1, column 4: the text ends inside an escape"},
        {"\"a\tb\"",
         "line 1, column 3: a control character in a string must be written as an escape"},
        {"\"\\x\"", "line 1, column 2: this escape does not exist in JSON"},
        {"\"\\u12g4\"", "line 1, column 2: \\u needs four hexadecimal digits"},
        {"[\"\\u12", "line 1, column 3: \\u needs four hexadecimal digits"},
        {"[\"\\ud83d\\udc", "line 1, column 3: half of a surrogate pair stands alone"},
        {"[\"\\ud800\"]", "line 1, column 3: half of a surrogate pair stands alone"},
        {"[\"a\\uDC00\"]", "line 1, column 4: half of a surrogate pair stands alone"},
        {"\"\\ud800\\n\"", "line 1, column 2: half of a surrogate pair stands alone"},
        {"\"\\ud800\\ud800\"", "line 1, column 2: half of a surrogate pair stands alone"},
        {"{\"\\udfff\":1}", "line 1, column 3: half of a surrogate pair stands alone"},
        {"[1,\v2]", "line 1, column 4: \"\\x0b\" is not expected here"},
        {"[1\f]", "line 1, column 3: \"\\x0c\" is not expected here"},
        {"{}\v", "line 1, column 3: there is more text after the value"},
        {"\"\x80\"", "line 1, column 2: byte 0x80 is not valid UTF-8 here"},
        {"\"\xc0\x80\"", "line 1, column 2: byte 0xc0 is not valid UTF-8 here"},
        {"\"\xed\xa0\x80\"", "line 1, column 2: byte 0xed is not valid UTF-8 here"},
        {"\"\xf4\x90\x80\x80\"", "line 1, column 2: byte 0xf4 is not valid UTF-8 here"},
        {"\"12345678\xc5\"", "line 1, column 10: byte 0xc5 is not valid UTF-8 here"},
        {"\xef\xbb\xbf{}", "line 1, column 1: \"\\u{feff}\" is not expected here"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tj_error error = TJ_ERROR_INIT;
        char expected[256];
        (void)snprintf(expected, sizeof expected, "payload: %s", table[i].message);
        assert_int_equal(tj__json_check(tj_str_of(table[i].text), "payload", &error), TJ_INVALID);
        assert_string_equal(error.message, expected);
        tj__json_doc *doc = NULL;
        assert_int_equal(tj__json_parse(tj_str_of(table[i].text), NULL, ALL_LEVELS, &doc, &error),
                         TJ_INVALID);
        assert_string_equal(error.message, table[i].message);
        assert_null(doc);
    }
}

/* What stands in one string changes nothing elsewhere, whatever of it becomes nodes. */
static void texts_with_and_without_escapes_are_read_alike(void **state)
{
    (void)state;
    const char *const values[] = {
        "0",
        "-0 ",
        " 12.5e-3",
        "1E+400",
        "true",
        "\tfalse\r\n",
        "null",
        "\"\"",
        "\":,]}\"",
        "[ ]",
        "{ }",
        "[[],{}, [{}]]",
        "{\"a\":1,\"a\" : \":\"}",
        "{ \"[\" : [1,2 , \"]\"] , \"b\":{\"c\":null} }",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (int levels = 1; levels <= 4; levels++) {
            char plain[128], escaped[128];
            tj__json_doc *a = NULL, *b = NULL;
            (void)snprintf(plain, sizeof plain, "[%s,\"A\"]", values[i]);
            (void)snprintf(escaped, sizeof escaped, "[%s,\"\\u0041\"]", values[i]);
            tj__json_shape shape = TJ__JSON_SHAPE_LEVELS(levels);
            assert_int_equal(tj__json_parse(tj_str_of(plain), NULL, shape, &a, NULL), TJ_OK);
            assert_int_equal(tj__json_parse(tj_str_of(escaped), NULL, shape, &b, NULL), TJ_OK);
            assert_true(nodes_equal(a->root, b->root));
            assert_true(tj_str_equal(a->root->raw, tj_str_of(plain)));
            assert_true(tj_str_equal(a->root->first->raw, b->root->first->raw));
            tj__json_doc_free(a);
            tj__json_doc_free(b);
        }
    }
}

static void an_absent_text_is_no_value(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__json_check((tj_str){NULL, 0}, "payload", &error), TJ_INVALID);
    assert_string_equal(error.message, "payload: line 1, column 1: there is no JSON value");
}

static void limits_are_kept(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    char deep[2 * TJ_JSON_DEPTH_MAX + 2];
    memset(deep, '[', TJ_JSON_DEPTH_MAX + 1);
    memset(deep + TJ_JSON_DEPTH_MAX + 1, ']', TJ_JSON_DEPTH_MAX + 1);
    tj_str fits = {deep + 1, 2 * TJ_JSON_DEPTH_MAX};
    assert_int_equal(tj__json_check(fits, "payload", &error), TJ_OK);
    tj_str too_deep = {deep, 2 * TJ_JSON_DEPTH_MAX + 2};
    assert_int_equal(tj__json_check(too_deep, "payload", &error), TJ_LIMIT);
    assert_string_equal(error.message, "payload: line 1, column 257: arrays and objects are nested "
                                       "deeper than 256 levels");
    const int built[] = {1, TJ_JSON_DEPTH_MAX - 1, TJ_JSON_DEPTH_MAX, TJ_JSON_DEPTH_MAX + 1};
    for (size_t i = 0; i < sizeof built / sizeof *built; i++) {
        tj__json_doc *doc = NULL;
        const tj__json_shape shape = TJ__JSON_SHAPE_LEVELS(built[i]);
        assert_int_equal(tj__json_parse(fits, "payload", shape, &doc, NULL), TJ_OK);
        tj__json_doc_free(doc);
        assert_int_equal(tj__json_parse(too_deep, "payload", shape, &doc, &error), TJ_LIMIT);
        assert_string_equal(error.message, "payload: line 1, column 257: arrays and objects are "
                                           "nested deeper than 256 levels");
    }

    char *large = malloc(TJ_JSON_SIZE_MAX + 1);
    assert_non_null(large);
    memset(large, ' ', TJ_JSON_SIZE_MAX + 1);
    large[0] = '1';
    assert_int_equal(tj__json_check((tj_str){large, TJ_JSON_SIZE_MAX}, "meta", &error), TJ_OK);
    assert_int_equal(tj__json_check((tj_str){large, TJ_JSON_SIZE_MAX + 1}, "meta", &error),
                     TJ_LIMIT);
    assert_string_equal(error.message,
                        "meta: the JSON text has 16777217 bytes; at most 16777216 are allowed");
    free(large);
}

static tj_status collect(void *context, tj_str name, tj_str value, tj_error *error)
{
    char *out = context;
    size_t used = strlen(out);
    (void)snprintf(out + used, 256 - used, "<%.*s>%.*s", (int)name.size, name.data, (int)value.size,
                   value.data);
    if (tj_str_equal(name, TJ_STR("stop"))) {
        error->status = TJ_LIMIT;
        return TJ_LIMIT;
    }
    return TJ_OK;
}

static void members_are_visited(void **state)
{
    (void)state;
    tj_error error = TJ_ERROR_INIT;
    char seen[256] = "";
    assert_int_equal(tj__json_members(TJ_STR(" {\"b\\n\" : [ 1, {\"x\":2} ] , \"a\":\"\\u0041\"} "),
                                      "extra", collect, seen, &error),
                     TJ_OK);
    assert_string_equal(seen, "<b\n>[ 1, {\"x\":2} ]<a>\"\\u0041\"");
    seen[0] = '\0';
    assert_int_equal(
        tj__json_members(TJ_STR("{\"stop\":1,\"b\":2}"), "extra", collect, seen, &error), TJ_LIMIT);
    assert_string_equal(seen, "<stop>1");

    assert_int_equal(tj__json_members(TJ_STR("[]"), "extra", collect, seen, &error), TJ_INVALID);
    assert_string_equal(error.message,
                        "extra: line 1, column 1: expected an object, found an array");
    assert_int_equal(
        tj__json_members(TJ_STR("{\"a\":1,\n\"\\u0061\":2}"), "extra", collect, seen, &error),
        TJ_INVALID);
    assert_string_equal(error.message,
                        "extra: key \"a\" stands twice (line 1, column 2 and line 2, column 1)");
    assert_string_equal(error.place, "line 2, column 1");
}

static void raw_bytes_and_texts_are_found(void **state)
{
    (void)state;
    tj__json_doc *doc = NULL;
    assert_int_equal(tj__json_parse(TJ_STR("[ \"\\u0041\\\"b\" , -1.50 ,{ \"\\\\k\" : [ [ ] ] } ]"),
                                    NULL, TJ__JSON_SHAPE_LEVELS(2), &doc, NULL),
                     TJ_OK);
    const tj__json_node *node = doc->root->first;
    assert_int_equal(doc->root->count, 3);
    assert_true(tj_str_equal(node->text, TJ_STR("A\"b")));
    assert_true(tj_str_equal(node->raw, TJ_STR("\"\\u0041\\\"b\"")));
    node = node->next;
    assert_true(tj_str_equal(node->text, TJ_STR("-1.50")));
    node = node->next;
    assert_true(tj_str_equal(node->raw, TJ_STR("{ \"\\\\k\" : [ [ ] ] }")));
    assert_null(node->next);
    node = node->first;
    assert_true(tj_str_equal(node->name, TJ_STR("\\k")));
    assert_true(tj_str_equal(tj__json_raw_name(doc, node), TJ_STR("\"\\\\k\"")));
    assert_true(tj_str_equal(node->raw, TJ_STR("[ [ ] ]")));
    assert_int_equal(node->count, 0); /* below the levels that were asked for */
    tj__json_doc_free(doc);

    /* A bare number is complete only at the end of the text. */
    assert_int_equal(tj__json_parse(TJ_STR(" 12345678901234567890.10"), NULL,
                                    TJ__JSON_SHAPE_LEVELS(0), &doc, NULL),
                     TJ_OK);
    assert_true(tj_str_equal(doc->root->text, TJ_STR("12345678901234567890.10")));
    tj__json_doc_free(doc);
}

static void escapes_say_what_they_stand_for(void **state)
{
    (void)state;
    tj__json_doc *doc = NULL;
    const tj_str table[][2] = {
        {TJ_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t.\""), TJ_STR("\"\\/\b\f\n\r\t.")},
        {TJ_STR("\"a\\u0000\\u007f\\u0080b\""), TJ_STR("a\0\x7f\xc2\x80\x62")},
        {TJ_STR("\"\\u07ff\\u0800\\uFfFf\""), TJ_STR("\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
        {TJ_STR("\"\\ud800\\udc00\\udbff\\udfff\""), TJ_STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {TJ_STR("\"\xc5\xbc\\ud83d\\uDCC8\""), TJ_STR("\xc5\xbc\xf0\x9f\x93\x88")},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(tj__json_parse(table[i][0], NULL, TJ__JSON_SHAPE_LEVELS(0), &doc, NULL),
                         TJ_OK);
        assert_int_equal(doc->root->text.size, table[i][1].size);
        assert_memory_equal(doc->root->text.data, table[i][1].data, table[i][1].size);
        tj__json_doc_free(doc);
    }
}

static size_t inside(const tj__json_node *object, const char *name)
{
    const tj__json_node *node = tj__json_find(object, tj_str_of(name));
    assert_non_null(node);
    return node->count;
}

static void only_what_a_shape_knows_is_taken_apart(void **state)
{
    (void)state;
    tj__json_doc *doc = NULL;
    assert_int_equal(
        tj__json_parse(
            TJ_STR("{\"strategy_state\":[1,{\"a\":2}],\"mine\":{\"b\":[3]},\"last_prices\":{\"X\":"
                   "[4]},\"open_orders\":[{\"request\":{\"side\":5},\"x\":[6,7]},{}]}"),
            NULL, TJ__JSON_SHAPE_STRUCT(&tj__json_live_state), &doc, NULL),
        TJ_OK);
    assert_int_equal(inside(doc->root, "strategy_state"), 0);
    assert_int_equal(inside(doc->root, "mine"), 0);
    assert_int_equal(inside(doc->root, "last_prices"), 1);
    assert_int_equal(inside(doc->root, "open_orders"), 2);
    assert_int_equal(doc->root->count, 4);
    const tj__json_node *order = tj__json_find(doc->root, TJ_STR("open_orders"))->first;
    assert_int_equal(inside(order, "request"), 1);
    assert_int_equal(inside(order, "x"), 0);
    assert_true(tj_str_equal(order->raw, TJ_STR("{\"request\":{\"side\":5},\"x\":[6,7]}")));
    tj__json_doc_free(doc);
}

static void short_values_have_a_limit(void **state)
{
    (void)state;
    tj__buffer text = {0};
    tj_error error = TJ_ERROR_INIT;
    tj__json_doc *doc = NULL;
    tj__put_cstr(&text, "[0");
    for (size_t i = 1; i < 2 * TJ__JSON_NODES_FREE; i++) {
        tj__put_cstr(&text, ",0");
    }
    tj__put_cstr(&text, "]");
    assert_int_equal(tj__json_parse(text_of(&text), NULL, TJ__JSON_SHAPE_LEVELS(1), &doc, &error),
                     TJ_LIMIT);
    assert_string_equal(error.message,
                        "line 1, column 49153: more than 24576 values in a text of 65537 "
                        "bytes are not read");
    /* What is compared as a whole is read as a whole, and what stays raw costs nothing. */
    assert_int_equal(tj__json_parse(text_of(&text), NULL, ALL_LEVELS, &doc, &error), TJ_OK);
    tj__json_doc_free(doc);
    assert_int_equal(tj__json_parse(text_of(&text), NULL, TJ__JSON_SHAPE_LEVELS(0), &doc, &error),
                     TJ_OK);
    tj__json_doc_free(doc);
    tj__buffer_dispose(&text);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    tj__buffer out = {0};
    tj__json_put_string(&out, TJ_STR("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc5\xbc"));
    tj__json_put_string(&out, (tj_str){NULL, 0});
    assert_true(tj_str_equal(
        text_of(&out), TJ_STR("\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc5\xbc\"\"\"")));
    tj__buffer_dispose(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_are_taken),
        cmocka_unit_test(bad_texts_are_explained),
        cmocka_unit_test(texts_with_and_without_escapes_are_read_alike),
        cmocka_unit_test(an_absent_text_is_no_value),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(members_are_visited),
        cmocka_unit_test(raw_bytes_and_texts_are_found),
        cmocka_unit_test(escapes_say_what_they_stand_for),
        cmocka_unit_test(only_what_a_shape_knows_is_taken_apart),
        cmocka_unit_test(short_values_have_a_limit),
        cmocka_unit_test(strings_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
