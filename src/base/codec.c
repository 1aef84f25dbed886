/* SPDX-License-Identifier: ISC */
/* floor 0 sees libc: codec.c - see codec.h. */
#include "base/codec.h"

static const char hex_digits[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char base64_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int codec_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void codec_hex(struct buf *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.at[i];

        buf_char(out, hex_digits[byte >> 4]);
        buf_char(out, hex_digits[byte & 15]);
    }
}

void codec_base64(struct buf *out, struct span bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    size_t left = bytes.size;

    for (; left >= 3; at += 3, left -= 3) {
        buf_char(out, base64_letters[at[0] >> 2]);
        buf_char(out, base64_letters[(at[0] & 3) << 4 | at[1] >> 4]);
        buf_char(out, base64_letters[(at[1] & 15) << 2 | at[2] >> 6]);
        buf_char(out, base64_letters[at[2] & 63]);
    }
    if (left == 0)
        return;
    buf_char(out, base64_letters[at[0] >> 2]);
    buf_char(out, base64_letters[(at[0] & 3) << 4 | (left > 1 ? at[1] >> 4 : 0)]);
    buf_char(out, left > 1 ? base64_letters[(at[1] & 15) << 2] : '=');
    buf_char(out, '=');
}

static int base64_value(char c)
{
    const char *hit = c ? strchr(base64_letters, c) : NULL;

    return hit ? (int)(hit - base64_letters) : -1;
}

bool codec_base64_decode(struct buf *out, struct span text)
{
    size_t padded = text.size;
    uint32_t bits = 0;
    unsigned count = 0;

    while (text.size && padded - text.size < 2 && text.at[text.size - 1] == '=')
        text.size--;
    if (text.size % 4 == 1 || (padded != text.size && padded % 4 != 0))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        int value = base64_value(text.at[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_char(out, (char)(bits >> count & 255));
        }
    }
    return (bits & ((1u << count) - 1)) == 0;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void codec_percent(struct buf *out, struct span bytes, const char *also_plain)
{
    for (size_t i = 0; i < bytes.size; i++) {
        char c = bytes.at[i];

        if (is_unreserved(c) || (c && also_plain && strchr(also_plain, c))) {
            buf_char(out, c);
        } else {
            buf_char(out, '%');
            buf_char(out, hex_upper[(unsigned char)c >> 4]);
            buf_char(out, hex_upper[(unsigned char)c & 15]);
        }
    }
}

bool codec_percent_decode(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '%') {
            int high = i + 2 < text.size ? codec_hex_digit(text.at[i + 1]) : -1;
            int low = high >= 0 ? codec_hex_digit(text.at[i + 2]) : -1;

            if (low < 0)
                return false;
            buf_char(out, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_char(out, text.at[i]);
        }
    }
    return true;
}

void codec_uuid(const unsigned char id[16], char *text_r)
{
    size_t at = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text_r[at++] = '-';
        text_r[at++] = hex_digits[id[i] >> 4];
        text_r[at++] = hex_digits[id[i] & 15];
    }
    text_r[at] = '\0';
}

bool codec_uuid_decode(struct span text, unsigned char id_r[16])
{
    size_t at = 0;

    if (text.size != UUID_TEXT)
        return false;
    for (size_t i = 0; i < 16; i++) {
        int high, low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.at[at++] != '-')
            return false;
        high = codec_hex_digit(text.at[at++]);
        low = codec_hex_digit(text.at[at++]);
        if (high < 0 || low < 0)
            return false;
        id_r[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
