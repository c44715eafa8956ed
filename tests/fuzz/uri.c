/* Addresses and fail-over URLs: whatever is accepted prints to a text that is accepted again and means
 * the same; whatever is refused is refused in words and leaves the target alone. */
#include "core/uri.h"

#include "core/invariant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096

static void check_one(const char *input, enum ms_address_use use)
{
    struct ms_uri uri = {.company = "untouched"}, again;
    struct ms_complaint complaint = {""};
    char printed[MS_URI_TEXT_MAX], twice[MS_URI_TEXT_MAX];
    struct ms_text text;

    if (!ms_uri_parse(input, use, &uri, &complaint)) {
        ms_assert(complaint.text[0] != '\0');
        ms_assert(strcmp(uri.company, "untouched") == 0);
        return;
    }
    ms_text_init(&text, printed, sizeof printed);
    ms_uri_print(&uri, &text);
    ms_assert(!ms_text_is_cut(&text));
    ms_assert(ms_uri_parse(printed, use, &again, &complaint));
    ms_assert(ms_address_equal(&uri.address, &again.address));
    ms_assert(uri.role == again.role);
    ms_assert(strcmp(uri.company, again.company) == 0);
    ms_assert(strcmp(uri.service, again.service) == 0);
    ms_assert(strcmp(uri.parameters, again.parameters) == 0);
    ms_text_init(&text, twice, sizeof twice);
    ms_uri_print(&again, &text);
    ms_assert(strcmp(printed, twice) == 0);
}

static void check_list(const char *input, enum ms_address_use use)
{
    struct ms_uri_list list;
    struct ms_complaint complaint = {""};

    if (!ms_uri_list_parse(input, use, &list, &complaint)) {
        ms_assert(complaint.text[0] != '\0');
        return;
    }
    ms_assert(list.count >= 1 && list.count <= MS_ADDRESSES_MAX);
    for (size_t i = 0; i < list.count; i++) {
        for (size_t j = i + 1; j < list.count; j++) {
            ms_assert(!ms_address_equal(&list.items[i].address, &list.items[j].address));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char input[INPUT_MAX];

    if (size == 0 || size > sizeof input) {
        return 0;
    }
    memcpy(input, data + 1, size - 1);
    input[size - 1] = '\0';
    const enum ms_address_use use = (data[0] & 1) != 0 ? MS_ADDRESS_LISTEN : MS_ADDRESS_CONNECT;

    check_one(input, use);
    check_list(input, use);
    return 0;
}
