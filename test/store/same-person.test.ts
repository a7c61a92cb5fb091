import { describe, expect, it } from 'vitest';
import { compareNames, nameKeysOf } from '../../src/store/records/person-name.ts';
import { PLACEHOLDER_IDS, placeholderTest } from '../../src/store/records/placeholder.ts';
import { type Identity, personsOf, relationOf } from '../../src/store/records/same-person.ts';

const isPlaceholder = placeholderTest(PLACEHOLDER_IDS);
const digest = (parts: readonly string[]) => parts.join('/');
const named = (name: string | undefined) => nameKeysOf(name, digest, isPlaceholder);
const compared = (a: string, b: string) => compareNames(named(a), named(b));

const who = (name?: string, birthDateKey?: string, sex?: string): Identity => ({
  nameKeys: named(name),
  birthDateKey,
  sex,
});

describe('a placeholder', () => {
  it.each([
    '0',
    '000',
    '0000000000',
    'UNKNOWN',
    'unknown',
    'Un known',
    ' UNKNOWN ',
    'ANONYMOUS',
    'Anon',
    'TEST',
    'NA',
    'N/A',
    'n.a.',
    'NONE',
    'null',
    'X',
    'xxx',
    'X-X',
    '---',
    '?',
    '',
    'ＵＮＫＮＯＷＮ',
    'no-id',
    'Unknown^Patient',
    'test test',
    'ANON^ANON',
    '0-0-0',
  ])('is "%s", whatever its case, space and punctuation', (text) => {
    expect(isPlaceholder(text)).toBe(true);
  });

  it.each(['P-1', '0815', '100', 'X1', 'TEST1', 'Anonsen', 'DOE', 'A0', '10000'])('is not "%s"', (text) => {
    expect(isPlaceholder(text)).toBe(false);
  });
});

describe('names', () => {
  it.each([
    ['Doe^Jane', 'DOE^JANE'],
    ['Doe^Jane', ' Doe^Jane^^^ '],
    ['Doe^Jane', 'Jane^Doe'],
    ['Doe^Jane', 'DOE, JANE'],
    ['Doe^Jane^^Dr', 'Doe^Jane'],
    ['Müller^Jörg', 'MUELLER^JOERG'],
    ['Müller^Jörg', 'MULLER^JORG'],
    ["O'Brien^Anne-Marie", 'OBRIEN^ANNE MARIE'],
    ['Meyer^Annemarie', 'MEYER^ANNE-MARIE'],
    ['Łukasz^Ødegård', 'LUKASZ^ODEGARD'],
    ['Strauß^Eva', 'STRAUSS^EVA'],
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada^Tarou'],
    ['Yamada^Tarou=山田^太郎=やまだ^たろう', '山田^太郎'],
    ['Yamada^Tarou==ヤマダ^タロウ', '=山田^太郎=やまだ^たろう'],
    ['Hong^Gildong=洪^吉洞=홍^길동', '홍^길동'],
  ])('%s and %s are equal', (a, b) => {
    expect([compared(a, b), compared(b, a)]).toEqual(['equal', 'equal']);
  });

  it.each([
    ['Doe^Jane', 'Doe^Joan', 'differ'],
    ['Doe^Jane', 'Roe^Jane', 'given'],
    ['Doe^Jane', 'Roe^Jane^Mary', 'given'],
    ['Doe^Baby A', 'Doe^Baby B', 'differ'],
    ['Doe^John^A', 'Doe^John^B', 'differ'],
    ['Doe^J', 'Doe^Jane', 'differ'],
    ['Doe', 'Doe^Jane', 'differ'],
    ['Yamada^Tarou=山田^太郎', 'Yamada^Tarou=山田^次郎', 'differ'],
    ['=山田^太郎', 'Yamada^Tarou', 'unknown'],
    ['=かき^かぎ', '=かぎ^かぎ', 'given'],
    ['Doe^Jane', 'Anonymous', 'unknown'],
    ['Doe^Jane', '', 'unknown'],
    ['ANON^ANON', 'ANON^ANON', 'unknown'],
  ])('%s and %s: %s', (a, b, result) => {
    expect([compared(a, b), compared(b, a)]).toEqual([result, result]);
  });
});

describe('two studies under one PatientID', () => {
  it.each([
    ['say the same', who('Doe^Jane', 'a', 'F'), who('Doe^Jane', 'a', 'F'), 'same'],
    ['have no names', who(undefined, 'a', 'F'), who(undefined, 'a', 'F'), 'same'],
    ['are of a married name', who('Doe^Jane', 'a', 'F'), who('Roe^Jane', 'a', 'F'), 'same'],
    ['are of twins', who('Doe^Jane', 'a', 'F'), who('Doe^Joan', 'a', 'F'), 'different'],
    ['lack a birth date in one', who('Doe^Jane', 'a', 'F'), who('Doe^Jane', undefined, 'F'), 'same'],
    ['lack it, and a name', who('Doe^Jane', 'a', 'F'), who(undefined, undefined, 'F'), 'unproven'],
    ['lack it, with a married name', who('Doe^Jane', 'a', 'F'), who('Roe^Jane', undefined, 'F'), 'unproven'],
    ['lack the sex, other names', who('Doe^Jane', 'a'), who('Roe^Rita', 'a', 'F'), 'unproven'],
    ['say other as sex', who('Doe^Jane', 'a', 'O'), who('Roe^Rita', 'a', 'O'), 'unproven'],
    ['say other in one', who('Doe^Jane', 'a', 'O'), who('Doe^Jane', 'a', 'F'), 'different'],
    ['say nothing', who(), who(), 'unproven'],
    ['have names alone', who('Doe^Jane'), who('Doe^Jane'), 'same'],
    ['are anonymised', who('ANONYMOUS'), who('ANONYMOUS'), 'unproven'],
    ['differ in birth date', who('Doe^Jane', 'a', 'F'), who('Doe^Jane', 'b', 'F'), 'different'],
    ['differ in sex', who('Doe^Jane', 'a', 'F'), who('Doe^Jane', 'a', 'M'), 'different'],
  ])('that %s', (_, a, b, relation) => {
    expect([relationOf(a, b), relationOf(b, a)]).toEqual([relation, relation]);
  });
});

/** Every order of the studies has to give the same groups. */
function groupsOf(studies: Readonly<Record<string, Identity>>): string[] {
  const entries = Object.entries(studies);
  const orders = entries.map((_, at) => [...entries.slice(at), ...entries.slice(0, at)]);
  const found = [...orders, ...orders.map((order) => order.toReversed())].map((order) =>
    personsOf(new Map(order))
      .groups.map((group) => group.toSorted().join('+'))
      .toSorted(),
  );
  for (const one of found) expect(one).toEqual(found[0]);
  return found[0] ?? [];
}

describe('the persons under one PatientID', () => {
  it.each([undefined, 'Doe^Jane', 'Roe^Rita', 'Else^Anna'])(
    'two who contradict each other, and a third without birth date and sex (%s): nobody is with anybody',
    (name) => {
      const studies = { a: who('Doe^Jane', 'a', 'F'), b: who('Roe^Rita', 'b', 'F'), c: who(name) };
      expect(groupsOf(studies)).toEqual(['a', 'b', 'c']);
    },
  );

  it('what is proven stays together whoever else has the ID', () => {
    const studies = {
      a: who('Doe^Jane', 'a', 'F'),
      a2: who('Doe^Jane', 'a', 'F'),
      b: who('Roe^Rita', 'b', 'F'),
      c: who('Doe^Jane'),
      c2: who('Doe^Jane'),
    };
    expect(groupsOf(studies)).toEqual(['a+a2', 'b', 'c', 'c2']);
    const persons = personsOf(new Map(Object.entries(studies)));
    expect(persons.whyApart('a', ['a2'])).toBeUndefined();
    expect(persons.whyApart('a', ['a2', 'b'])).toBe('contradiction');
    expect(persons.whyApart('c', ['a', 'b', 'c2'])).toBe('ambiguous');
  });

  it('a study that contradicts one of two may be with the other', () => {
    const studies = { a: who('Doe^Jane', 'a', 'F'), b: who('Roe^Rita', 'b', 'F'), c: who('Doe^Jane', 'a') };
    expect(groupsOf(studies)).toEqual(['a+c', 'b']);
  });

  it('studies that say nothing are not even with each other', () => {
    expect(groupsOf({ a: who(), b: who(), c: who(undefined, 'a') })).toEqual(['a', 'b', 'c']);
    expect(personsOf(new Map([['a', who()]])).whyApart('a', ['b'])).toBe('unproven');
  });

  it('an ID of a crowd is answered soon, and joins only what birth date and sex prove', () => {
    const crowd = Array.from({ length: 3_000 }, (_, at): [string, Identity] => [
      `s${at}`,
      at % 3 === 0 ? who(`Doe^N${at}`) : who(`Doe^N${at}`, `d${at}`, 'M'),
    ]);
    const { groups } = personsOf(new Map([...crowd, ['again', who('Doe^N1', 'd1', 'M')]]));
    expect(groups.filter((group) => group.length > 1)).toEqual([['s1', 'again']]);
  });
});
