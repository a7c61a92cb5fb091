import type { SKRSContext2D } from '@napi-rs/canvas';
import { drawableText, type HanForms } from './fonts.ts';

export interface TextStyle {
  /** Height of the font in units of the canvas. */
  readonly size: number;
  readonly color: string;
  readonly bold?: boolean;
  /** Which point of the text's baseline is at the given place. */
  readonly align?: 'left' | 'right' | 'center';
  /** A longer text is cut, which `...` shows. */
  readonly maxWidth?: number;
  /** Colour of a rim, for text on top of an image. */
  readonly rim?: string;
}

const RIM_WIDTH = 0.22; // of the font's size
const LINE_HEIGHT = 1.35; // of the font's size

const RIGHT_TO_LEFT_FIRST = /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}]/u;
/** Blanks, but those between a number and its unit. */
const BREAKS = /\s+(?!%|(?:ml|mm|cm|HU)\b)/;
const ARABIC = /\p{Script=Arabic}/u;

/** Writes text on a canvas, in any script that our fonts have, from right to left where it begins so. */
export class TextPainter {
  private readonly ctx: SKRSContext2D;
  private readonly forms: HanForms;

  constructor(ctx: SKRSContext2D, forms: HanForms) {
    this.ctx = ctx;
    this.forms = forms;
  }

  /** Draws one line with its baseline at `y`. Gives back its width. */
  draw(text: string, x: number, y: number, style: TextStyle): number {
    const { ctx } = this;
    const line = this.cut(text, style);
    const drawn = this.prepare(line, style);
    ctx.textAlign = style.align ?? 'left';
    if (style.rim !== undefined) {
      ctx.strokeStyle = style.rim;
      ctx.lineWidth = style.size * RIM_WIDTH;
      ctx.lineJoin = 'round';
      ctx.strokeText(drawn, x, y);
    }
    ctx.fillStyle = style.color;
    ctx.fillText(drawn, x, y);
    return ctx.measureText(drawn).width;
  }

  /** Draws one line, smaller where it would be wider than `width`: nothing of it is left out. */
  drawWhole(text: string, x: number, y: number, width: number, style: TextStyle): void {
    const needed = this.width(text, style);
    if (needed === 0) return;
    this.draw(text, x, y, { ...style, size: style.size * Math.min(1, width / needed) });
  }

  /**
   * Draws as many lines as the text needs in the width; gives back the baseline that the next line would
   * have.
   */
  drawWrapped(text: string, x: number, y: number, width: number, style: TextStyle): number {
    const lines = this.wrap(text, width, style);
    for (const [index, line] of lines.entries()) {
      this.draw(line, x, y + index * lineHeight(style), { ...style, maxWidth: width });
    }
    return y + lines.length * lineHeight(style);
  }

  width(text: string, style: TextStyle): number {
    return this.ctx.measureText(this.prepare(text, style)).width;
  }

  /** Lines that break between words. */
  wrap(text: string, width: number, style: TextStyle): string[] {
    const lines: string[] = [];
    for (const word of text.split(BREAKS).filter(Boolean)) {
      const last = lines.at(-1);
      const longer = last === undefined ? word : `${last} ${word}`;
      if (last !== undefined && this.width(longer, style) <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  }

  private cut(text: string, style: TextStyle): string {
    const { maxWidth } = style;
    if (maxWidth === undefined || this.width(text, style) <= maxWidth) return text;
    const characters = Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment);
    while (characters.length > 0 && this.width(`${characters.join('')}...`, style) > maxWidth) {
      characters.pop();
    }
    return `${characters.join('').trimEnd()}...`;
  }

  /** Sets font and direction for a text; gives back what is to be drawn. */
  private prepare(text: string, { size, bold }: TextStyle): string {
    const { ctx } = this;
    const drawable = drawableText(text, this.forms);
    ctx.lang = 'en'; // else the machine's language
    ctx.direction = RIGHT_TO_LEFT_FIRST.test(text) ? 'rtl' : 'ltr';
    // A PDF's text knows no ligature for what it stands for. Arabic needs its own: lam and alef must be
    // joined.
    ctx.fontVariantLigatures = ARABIC.test(text) ? 'no-contextual' : 'none';
    ctx.textBaseline = 'alphabetic';
    ctx.font = `${bold ? 700 : 400} ${size}px ${drawable.families.map((family) => `"${family}"`).join(', ')}`;
    return drawable.text;
  }
}

/** Distance of the baselines of two lines. */
export function lineHeight({ size }: Pick<TextStyle, 'size'>): number {
  return size * LINE_HEIGHT;
}
