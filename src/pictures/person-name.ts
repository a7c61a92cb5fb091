/**
 * A person's name (PS3.5 6.2.1) as people write it, one line per component group that holds anything: the
 * alphabetic group, then the ideographic one; the phonetic one only where there is no other.
 */
export function personNameLines(personName: string): string[] {
  const [alphabetic = '', ideographic = '', phonetic = ''] = personName
    .split('=')
    .map((group) => group.trim());
  const lines = [withComma(alphabetic), withSpaces(ideographic)].filter((line) => line !== '');
  return lines.length > 0 ? lines : [withSpaces(phonetic)].filter((line) => line !== '');
}

const components = (group: string): string[] => group.split('^').map((component) => component.trim());

/** `Doe, Jane Mary, MD`: family name, the others' names, suffix. */
function withComma(group: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = components(group);
  const others = [prefix, given, middle].filter(Boolean).join(' ');
  return [family, others, suffix].filter(Boolean).join(', ');
}

/** Family name first, as East Asian names are written. */
function withSpaces(group: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = components(group);
  return [prefix, family, given, middle, suffix].filter(Boolean).join(' ');
}
