/** The migrations in drizzle/directory, in order; a test holds this list to the folder. */
export const DIRECTORY_MIGRATIONS: readonly string[] = [
  '0001_directory',
  '0002_index',
  '0003_task_given_up',
  '0004_semantic',
  '0005_gateways',
];
