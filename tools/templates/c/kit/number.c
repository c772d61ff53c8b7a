/* Numbers with a fraction, read to the nearest double and written with the fewest digits that are read as the same one.
 *
 * A double is an integer times a power of two, and halving and doubling a decimal is exact as long as all its digits are
 * kept. So both ways go through decimals of as many digits as a double can need: slower than tables of powers, and short. */
#include <string.h>

#include "playhouse.h"

/* Halfway between two doubles there is no decimal of more than 768 digits. Of those beyond, only whether there are any
 * matters. */
#define DIGITS 800
/* As many bits as a digit can be moved by at once in 64. */
#define STEP 59

/* 0.d0 d1 d2 … times ten to the power of `point`. Neither the first digit nor the last is 0; zero has none. */
typedef struct {
  int64_t point;
  int count;
  bool has_more; /* Behind the last digit, not all is 0. */
  uint8_t digits[DIGITS];
} decimal;

static void append(decimal *d, unsigned digit) {
  if (d->count == 0 && digit == 0)
    d->point--;
  else if (d->count < DIGITS)
    d->digits[d->count++] = (uint8_t)digit;
  else
    d->has_more |= digit != 0;
}

static void trim(decimal *d) {
  while (d->count > 0 && d->digits[d->count - 1] == 0) d->count--;
}

/* Divides by two, `bits` times, at most STEP. */
static void halve(decimal *d, int bits) {
  decimal half = {d->point, 0, d->has_more, {0}};
  uint64_t rest = 0;
  for (int i = 0; i < d->count || rest != 0; i++) {
    rest = rest * 10 + (i < d->count ? d->digits[i] : 0);
    append(&half, (unsigned)(rest >> bits));
    rest &= ((uint64_t)1 << bits) - 1;
  }
  trim(&half);
  *d = half;
}

/* Multiplies by two, `bits` times, at most STEP. */
static void twice(decimal *d, int bits) {
  uint8_t made[DIGITS + 20];
  int first = (int)sizeof made;
  uint64_t carry = 0;
  for (int i = d->count; i > 0 || carry != 0;) {
    if (i > 0) carry += (uint64_t)d->digits[--i] << bits;
    made[--first] = (uint8_t)(carry % 10);
    carry /= 10;
  }
  int length = (int)sizeof made - first;
  decimal double_ = {d->point + length - d->count, 0, d->has_more, {0}};
  for (int i = first; i < (int)sizeof made; i++) append(&double_, made[i]);
  trim(&double_);
  *d = double_;
}

/* Whether the digits from `at` on are more than half of the one before, or just half of one that is odd. */
static bool rounds_up(const decimal *d, int at) {
  if (at < 0 || at >= d->count) return false;
  if (d->digits[at] != 5 || at + 1 < d->count || d->has_more) return d->digits[at] >= 5;
  return at > 0 && d->digits[at - 1] % 2 == 1;
}

/* Most numbers are short: an integer and a power of ten that are both exact, so that only the last operation rounds. */
static bool is_short(const decimal *d, double *value) {
  int64_t power = d->point - d->count;
  double scale = 1;
  if (d->has_more || d->count > 15 || power < -22 || power > 22) return false;
  for (int i = power < 0 ? (int)-power : (int)power; i > 0; i--) scale *= 10;
  *value = 0;
  for (int i = 0; i < d->count; i++) *value = *value * 10 + d->digits[i];
  *value = power < 0 ? *value / scale : *value * scale;
  return true;
}

/* The double next to a decimal; of two that are as near, the even one; beyond the largest, infinity. */
static double nearest(decimal d) {
  double value;
  if (is_short(&d, &value)) return value;
  if (d.count == 0 || d.point < -330) return 0;
  if (d.point > 310) return __builtin_inf();
  int exponent = 0; /* of two; 1/2 <= d < 1 in the end */
  while (d.point > 0) {
    int bits = d.point == 1 ? 1 : d.point * 3 > STEP + 3 ? STEP : (int)(d.point - 1) * 3;
    halve(&d, bits), exponent += bits;
  }
  while (d.point < 0 || (d.point == 0 && d.digits[0] < 5)) {
    int bits = d.point == 0 ? 1 : d.point * -3 > STEP ? STEP : (int)d.point * -3;
    twice(&d, bits), exponent -= bits;
  }
  /* The smallest doubles have fewer bits than 53. */
  for (; exponent < -1021; exponent++) halve(&d, 1);
  twice(&d, 53);
  uint64_t bits = 0;
  for (int i = 0; i < d.point; i++) bits = bits * 10 + (i < d.count ? d.digits[i] : 0);
  bits += d.point >= 0 && rounds_up(&d, (int)d.point);
  if (bits >> 53) bits >>= 1, exponent++;
  if (exponent > 1024) return __builtin_inf();
  if (bits >> 52) bits = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)(exponent + 1022) << 52;
  memcpy(&value, &bits, sizeof value);
  return value;
}

bool ph_get_number(const ph_arguments *arguments, const char *name, double otherwise, double *value, ph_failure *failure) {
  ph_text json = ph_get_json(arguments, name);
  const char *at = json.at, *end = at + json.length;
  *value = otherwise;
  if (at == end || *at == 'n') return true;
  bool is_negative = *at == '-', has_point = false;
  at += is_negative;
  if (at == end || *at < '0' || *at > '9') return ph_wrong(failure, name, "must be a number");
  decimal d = {0};
  for (; at < end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') {
      has_point = true;
    } else {
      append(&d, (unsigned)(*at - '0'));
      /* A zero in front moves the point, and it is moved back unless it is behind the point. */
      d.point += !has_point;
    }
  }
  trim(&d);
  if (at < end) d.point += ph_exponent(at + 1, end);
  *value = is_negative ? -nearest(d) : nearest(d);
  return true;
}

/* All digits of a double that is neither 0 nor infinite. */
static decimal exactly(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  int exponent = (int)(bits >> 52 & 0x7FF);
  uint64_t whole = bits & (((uint64_t)1 << 52) - 1);
  if (exponent > 0) whole |= (uint64_t)1 << 52;
  exponent = (exponent > 0 ? exponent : 1) - 1075;
  decimal d = {0};
  for (uint64_t power = 10000000000000000u; power > 0; power /= 10) append(&d, (unsigned)(whole / power % 10)), d.point++;
  trim(&d);
  for (int left = exponent; left > 0; left -= STEP) twice(&d, left < STEP ? left : STEP);
  for (int left = -exponent; left > 0; left -= STEP) halve(&d, left < STEP ? left : STEP);
  return d;
}

/* The first `count` digits, rounded. */
static decimal rounded(const decimal *d, int count) {
  decimal short_ = {d->point, d->count < count ? d->count : count, false, {0}};
  memcpy(short_.digits, d->digits, (size_t)short_.count);
  if (rounds_up(d, count)) {
    /* Nines become zeros, and the one before them one more. */
    while (short_.count > 0 && short_.digits[short_.count - 1] == 9) short_.count--;
    if (short_.count == 0) short_.digits[short_.count++] = 0, short_.point++;
    short_.digits[short_.count - 1]++;
  }
  trim(&short_);
  return short_;
}

static void put_digits(ph_output *output, const decimal *d, int from, int to) {
  for (int i = from; i < to; i++) {
    char digit = i >= 0 && i < d->count ? (char)('0' + d->digits[i]) : '0';
    ph_raw(output, (ph_text){&digit, 1});
  }
}

void ph_number(ph_output *output, double value) {
  double size = value < 0 ? -value : value;
  if (size == 0) {
    ph_raw(output, (ph_text){"0", 1});
    return;
  }
  if (!(size < __builtin_inf())) {
    ph_raw(output, (ph_text){"null", 4});
    return;
  }
  decimal all = exactly(size), d = rounded(&all, 1);
  /* Seventeen digits are always enough. */
  for (int count = 2; nearest(d) != size; count++) d = rounded(&all, count);
  if (value < 0) ph_raw(output, (ph_text){"-", 1});
  int point = (int)d.point;
  bool is_plain = point > -6 && point <= 21;
  if (!is_plain) point = 1;
  put_digits(output, &d, point > 0 ? 0 : -1, point > 0 ? point : 0);
  if (point < d.count) ph_raw(output, (ph_text){".", 1});
  put_digits(output, &d, point, d.count);
  if (is_plain) return;
  ph_raw(output, (ph_text){"e", 1});
  ph_int(output, d.point - 1);
}
