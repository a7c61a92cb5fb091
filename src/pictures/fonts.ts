import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import european from '@fontsource/noto-sans/unicode.json' with { type: 'json' };
import hebrew from '@fontsource-variable/noto-sans-hebrew/unicode.json' with { type: 'json' };
import japanese from '@fontsource-variable/noto-sans-jp/unicode.json' with { type: 'json' };
import korean from '@fontsource-variable/noto-sans-kr/unicode.json' with { type: 'json' };
import chinese from '@fontsource-variable/noto-sans-sc/unicode.json' with { type: 'json' };
import thai from '@fontsource-variable/noto-sans-thai/unicode.json' with { type: 'json' };
import arabic from '@fontsource-variable/vazirmatn/unicode.json' with { type: 'json' };
import { GlobalFonts } from '@napi-rs/canvas';
import * as fontkit from 'fontkit';

/** Whose forms of the Han characters a text wants: the same character is drawn differently in each. */
export type HanForms = 'japanese' | 'chinese' | 'korean';

/** Shown where no font has a character. */
const REPLACEMENT = '\ufffd';

/** One file of a family, which packages cut into files of some hundred characters. */
interface FontFile {
  /** The family name under which it is known here: one per file, so that no other font can take its place. */
  readonly alias: string;
  readonly paths: readonly string[];
  /** First and last code point of each range that the package promises. */
  readonly ranges: readonly (readonly [number, number])[];
}

const require = createRequire(import.meta.url);

/** The files of a package. `styles` are its weights, or its one file that holds all weights. */
function fontFiles(
  packageName: string,
  ranges: Readonly<Record<string, string>>,
  styles: readonly string[] = ['wght-normal'],
): FontFile[] {
  const folder = path.join(path.dirname(require.resolve(`${packageName}/unicode.json`)), 'files');
  const family = path.basename(packageName);
  return Object.entries(ranges).map(([name, list]) => {
    const subset = name.replaceAll(/[[\]]/g, '');
    return {
      alias: `pictures-${family}-${subset}`,
      paths: styles.map((style) => path.join(folder, `${family}-${subset}-${style}.woff2`)),
      ranges: list.split(',').map(codePointRange),
    };
  });
}

/** `U+4E00-4E0D` or `U+4E00`. */
function codePointRange(range: string): [number, number] {
  const [first = '', last = first] = range.slice('U+'.length).split('-');
  return [Number.parseInt(first, 16), Number.parseInt(last, 16)];
}

/**
 * All alphabets that DICOM's character sets hold (PS3.3 C.12.1.1.2). Arabic is Vazirmatn: its letters are
 * whole glyphs, so that a PDF's text can be searched and copied; Noto's are put together from strokes and
 * dots that stand for nothing.
 */
const ALPHABETS: readonly FontFile[] = [
  ...fontFiles('@fontsource/noto-sans', european, ['400-normal', '700-normal']),
  ...fontFiles('@fontsource-variable/vazirmatn', arabic),
  ...fontFiles('@fontsource-variable/noto-sans-hebrew', hebrew),
  ...fontFiles('@fontsource-variable/noto-sans-thai', thai),
];
const HAN: Readonly<Record<HanForms, readonly FontFile[]>> = {
  japanese: fontFiles('@fontsource-variable/noto-sans-jp', japanese),
  chinese: fontFiles('@fontsource-variable/noto-sans-sc', chinese),
  korean: fontFiles('@fontsource-variable/noto-sans-kr', korean),
};

/** The wanted forms first; what they lack is better shown in another country's form than not at all. */
const CHAINS: Readonly<Record<HanForms, readonly FontFile[]>> = {
  japanese: [...ALPHABETS, ...HAN.japanese, ...HAN.chinese, ...HAN.korean],
  chinese: [...ALPHABETS, ...HAN.chinese, ...HAN.japanese, ...HAN.korean],
  korean: [...ALPHABETS, ...HAN.korean, ...HAN.japanese, ...HAN.chinese],
};

const characters = new Map<FontFile, ReadonlySet<number>>();

/**
 * The characters that a font really has: packages promise more. Loads the font on the first question about
 * it.
 */
function charactersOf(file: FontFile): ReadonlySet<number> {
  const known = characters.get(file);
  if (known) return known;
  const bytes = file.paths.map((fontPath) => readFileSync(fontPath));
  for (const font of bytes) GlobalFonts.register(font, file.alias);
  const sets = bytes.map((font) => {
    const opened = fontkit.create(font);
    return new Set('characterSet' in opened ? opened.characterSet : []);
  });
  const common = new Set([...(sets[0] ?? [])].filter((codePoint) => sets.every((set) => set.has(codePoint))));
  characters.set(file, common);
  return common;
}

function fontFor(codePoint: number, forms: HanForms): FontFile | undefined {
  return CHAINS[forms].find(
    (file) =>
      file.ranges.some(([first, last]) => codePoint >= first && codePoint <= last) &&
      charactersOf(file).has(codePoint),
  );
}

export interface DrawableText {
  /**
   * The text in composed form, U+FFFD where no font has a character: the machine's own fonts are never used.
   */
  readonly text: string;
  /** Family names, in the order in which they are to be tried. */
  readonly families: readonly string[];
}

/** Finds the fonts for a text, so that each of its characters is drawn from one of ours. */
export function drawableText(text: string, forms: HanForms): DrawableText {
  const families = new Set<string>();
  const drawn = Array.from(text.normalize('NFC'), (character) => {
    const [shown, font] = [character, REPLACEMENT]
      .map((one) => [one, fontFor(one.codePointAt(0) ?? 0, forms)] as const)
      .find(([, file]) => file !== undefined) ?? ['', undefined];
    if (font) families.add(font.alias);
    return shown;
  });
  // The order of the chain, not of the text: the same character always comes from the same font.
  const order = CHAINS[forms].map(({ alias }) => alias).filter((alias) => families.has(alias));
  return { text: drawn.join(''), families: order };
}

const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
const HANGUL = /\p{Script=Hangul}/u;

/**
 * Whose forms a data set wants, from its character sets (PS3.3 C.12.1.1.2), and in Unicode from the letters
 * that stand beside the Han characters.
 */
export function hanForms(specificCharacterSet: readonly string[], sample: string): HanForms {
  const sets = specificCharacterSet.join(' ');
  if (/\b(13|87|159)\b/.test(sets) || KANA.test(sample)) return 'japanese';
  if (/\b149\b/.test(sets) || HANGUL.test(sample)) return 'korean';
  return 'chinese';
}
