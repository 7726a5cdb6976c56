/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The texts of the .sql files, which the build puts into the library. In them
 * @schema@ stands for the schema's name, and an empty line between two statements. */
#ifndef TJ_POSTGRES_SQL_H
#define TJ_POSTGRES_SQL_H

extern const char tj__pg_schema_sql[];
extern const char tj__pg_views_sql[];
extern const char tj__pg_roles_sql[];
extern const char tj__pg_migrate_2_sql[]; /* from version 1 to 2 */

#endif
