/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The texts of schema.sql, views.sql and roles.sql, which the build puts into the library. In them
 * @schema@ stands for the schema's name, and an empty line between two statements. */
#ifndef TJ_POSTGRES_SQL_H
#define TJ_POSTGRES_SQL_H

extern const char tj__pg_schema_sql[];
extern const char tj__pg_views_sql[];
extern const char tj__pg_roles_sql[];

#endif
