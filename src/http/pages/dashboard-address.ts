/** What the reader asked for; empty fields: whatever. */
export interface DashboardQuery {
  readonly when: 'today' | 'all';
  readonly state: string;
  readonly class: string;
  readonly words: string;
  /** The words as they stand in addresses. */
  readonly search: string;
  /** As a date field has it. */
  readonly from: string;
  readonly to: string;
  readonly offset: number;
  /** Where the page begins, as the page before it said; empty: at the offset. */
  readonly after: string;
}

/**
 * The dashboard, or another page of its studies, with this query; what is empty is left out, and the
 * words, which may be somebody's name.
 */
export function address(basePath: string, query: DashboardQuery, path = '/'): string {
  const parameters = Object.entries({ ...query, words: '' }).filter(
    ([, value]) => value !== '' && value !== 0,
  );
  const texts = parameters.map(([name, value]): [string, string] => [name, String(value)]);
  return `${basePath}${path}?${new URLSearchParams(texts)}`;
}
