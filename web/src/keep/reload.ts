/** Loads the build of the page that waits (store.newVersion). */
export async function takeNewVersion(): Promise<void> {
  const { Shell } = await import("./shell.ts");
  await Shell.reload();
}
