/**
 * Distribution functions to about 1e-14, by the continued fractions and series of Numerical Recipes (3rd
 * edition, chapter 6) and a logarithm of gamma after Lanczos; quantiles by bisection on them.
 */

const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
  12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
] as const;

/** Of x > 0. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const at = x - 1;
  const [first, ...rest] = LANCZOS;
  const series = rest.reduce<number>((sum, c, i) => sum + c / (at + i + 1), first);
  const t = at + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (at + 0.5) * Math.log(t) - t + Math.log(series);
}

const TINY = 1e-300;
const PRECISION = 1e-16;
const MOST_STEPS = 100_000;

/** Lentz's method: b0 + a1 / (b1 + a2 / (b2 + ...)). */
function continuedFraction(b0: number, term: (n: number) => readonly [a: number, b: number]): number {
  let value = b0 === 0 ? TINY : b0;
  let c = value;
  let d = 0;
  for (let n = 1; n <= MOST_STEPS; n++) {
    const [a, b] = term(n);
    d = 1 / (b + a * d || TINY);
    c = b + a / c || TINY;
    value *= c * d;
    if (Math.abs(c * d - 1) <= PRECISION) break;
  }
  return value;
}

/**
 * The regularized incomplete beta function I_x(a, b).
 * @param rest 1 - x, which may be known better than x can say
 */
function incompleteBeta(x: number, a: number, b: number, rest = 1 - x): number {
  if (x <= 0) return 0;
  if (rest <= 0) return 1;
  // The fraction is quick on this side only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(rest, b, a, x);
  const front = a * Math.log(x) + b * Math.log(rest) + logGamma(a + b) - logGamma(a) - logGamma(b);
  const fraction = continuedFraction(1, (n) => {
    const m = Math.floor(n / 2);
    const below = (a + n - 1) * (a + n);
    return n % 2 === 0 ? [(m * (b - m) * x) / below, 1] : [(-(a + m) * (a + b + m) * x) / below, 1];
  });
  return Math.exp(front) / (a * fraction);
}

/** The regularized lower incomplete gamma function P(a, x). */
function incompleteGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let total = term;
    for (let n = 1; n <= MOST_STEPS && term > total * PRECISION; n++) {
      term *= x / (a + n);
      total += term;
    }
    return front * total;
  }
  return 1 - front / continuedFraction(x + 1 - a, (n) => [-n * (n - a), x + 2 * n + 1 - a]);
}

/** P(T > t) of Student's t. */
export function upperTailOfT(t: number, df: number): number {
  const square = t * t;
  const tail = incompleteBeta(df / (df + square), df / 2, 0.5, square / (df + square)) / 2;
  return t >= 0 ? tail : 1 - tail;
}

/** P(F > f) of Fisher's F. */
export const upperTailOfF = (f: number, df1: number, df2: number): number =>
  f <= 0 ? 1 : incompleteBeta(df2 / (df2 + df1 * f), df2 / 2, df1 / 2, (df1 * f) / (df2 + df1 * f));

export const chiSquaredCdf = (x: number, df: number): number => incompleteGamma(df / 2, x / 2);

/** P(Z > z) of the standard normal distribution. */
export function upperTailOfNormal(z: number): number {
  const square = (z * z) / 2;
  if (z < 0) return 1 - upperTailOfNormal(-z);
  if (square < 1.5) return (1 - incompleteGamma(0.5, square)) / 2;
  // By the fraction itself: 1 - P would lose what is left of a thin tail.
  const front = Math.exp(0.5 * Math.log(square) - square - logGamma(0.5));
  return front / continuedFraction(square + 0.5, (n) => [-n * (n - 0.5), square + 2 * n + 0.5]) / 2;
}

/** The t that is exceeded with probability `tail`, below one half. */
export const quantileOfT = (tail: number, df: number): number =>
  whereFalls((t) => upperTailOfT(t, df) - tail);

/** The f that is exceeded with probability `tail`. */
export const quantileOfF = (tail: number, df1: number, df2: number): number =>
  whereFalls((f) => upperTailOfF(f, df1, df2) - tail);

/** The x that is not exceeded with probability `share`. */
export const quantileOfChiSquared = (share: number, df: number): number =>
  whereFalls((x) => share - chiSquaredCdf(x, df));

/** The z that is exceeded with probability `tail`, below one half. */
export const quantileOfNormal = (tail: number): number => whereFalls((z) => upperTailOfNormal(z) - tail);

/** Where a function of a positive number that falls reaches 0. */
function whereFalls(f: (x: number) => number): number {
  let high = 1;
  while (f(high) > 0 && high < Number.MAX_VALUE / 4) high *= 2;
  let low = 0;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return middle;
    if (f(middle) > 0) low = middle;
    else high = middle;
  }
}
