import type { ConstructorOptions } from 'pg-boss';

export type Row = Readonly<Record<string, unknown>>;

/** Where SQL can be sent: the database itself, or a transaction in it. */
export interface Sql {
  /** One statement with $1, $2 ... for its parameters; several statements only without parameters. */
  query(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Sql {
  /** `embedded`: this process is the only user. `server`: others may be connected too. */
  readonly kind: 'embedded' | 'server';
  /** How pg-boss reaches the same database. */
  readonly boss: Pick<ConstructorOptions, 'db' | 'backend'>;
  /** Commits what `work` did, or nothing where it throws. Inside, use the given `Sql` only. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
