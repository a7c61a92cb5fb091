import { describe, expect, it } from 'vitest';
import { readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { conceptsIn, folded, type Vocabulary } from '../../src/pipeline/selection/words.ts';

const { vocabulary } = readSelectionRules(null, []);

/** A text that an entry stands for, with as little as its wildcards allow. */
const example = (entry: string): string => entry.replace(/\$$/, '').replaceAll('*', '').replaceAll('#', '7');

/** Entries that their concept would speak of without them. */
function shadowed(words: Vocabulary): string[] {
  return Object.entries(words).flatMap(([concept, entries]) =>
    entries
      .filter((entry, i) => {
        const others = entries.filter((_, at) => at !== i);
        const texts = entry.includes('*') ? [example(entry), `${example(entry)}zq`] : [example(entry)];
        // An entry for the end of a text is tested there alone.
        return texts.every((text) => conceptsIn(folded(text), { [concept]: others }).includes(concept));
      })
      .map((entry) => `${concept}: ${entry}`),
  );
}

/** Concepts of which a series is at most one. */
const EXCLUDING: readonly (readonly string[])[] = [
  ['unenhanced', 'enhanced'],
  ['unenhanced', 'arterial', 'portal', 'delayed', 'hepatobiliary'],
  ['water', 'fat'],
  ['inPhase', 'opposedPhase'],
  ['T1', 'T2'],
  ['abdomen', 'chest', 'pelvis', 'head', 'neck', 'spine', 'heart', 'breast', 'limb'],
];

/** What a word may stand for at once, and why. */
const MEANT: Readonly<Record<string, string>> = {
  'enhanced, unenhanced': 'without contrast: what is unenhanced is not enhanced, as phases.ts sees it',
  'delayed, hepatobiliary': 'late beside another phase is that phase',
  'arterial, delayed': 'the same',
  'inPhase, opposedPhase': 'both echoes in one series',
  'gall bladder*: abdomen, pelvis': 'the rules let what says abdomen pass',
  'thorakoabd*: abdomen, chest': 'both are shown',
  'thoraxabd*: abdomen, chest': 'both are shown',
  '頚椎: neck, spine': 'neither is an abdomen',
  '颈椎: neck, spine': 'neither is an abdomen',
  '胸椎: chest, spine': 'neither is an abdomen',
};
const isMeant = (one: string): boolean => one in MEANT || (one.split(': ')[1] ?? '') in MEANT;

function contradicting(words: Vocabulary): string[] {
  return EXCLUDING.flatMap((concepts) =>
    concepts.flatMap((concept) =>
      (words[concept] ?? []).flatMap((entry) => {
        const said = conceptsIn(folded(example(entry)), words);
        const others = concepts.filter((other) => other !== concept && said.includes(other));
        return others.map((other) => `${entry}: ${[concept, other].toSorted().join(', ')}`);
      }),
    ),
  ).filter((one, i, all) => all.indexOf(one) === i);
}

describe('the vocabulary', () => {
  it('has no entry that another one of its concept covers', () => {
    expect(shadowed({ one: ['arter*', 'arterial'] })).toEqual(['one: arterial']);
    expect(shadowed(vocabulary)).toEqual([]);
  });

  it('has no word for two concepts that exclude each other, but where that is meant', () => {
    expect(contradicting({ water: ['ws'], fat: ['w*'] })).toEqual(['ws: fat, water']);
    expect(contradicting(vocabulary).filter((one) => !isMeant(one))).toEqual([]);
  });

  it('is understood whether or not a word bears its accents', () => {
    expect(conceptsIn(folded('الطَّوْر الوريدي'), vocabulary)).toContain('portal');
    expect(conceptsIn(folded('Artérielle'), vocabulary)).toContain('arterial');
  });
});
