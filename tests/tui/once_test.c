/* once_test.c - request ids of actions whose outcome is open; a reviewer's marks; messages as JSON. */
#include "lib/check.h"

#include "screen/msg.h"
#include "screen/once.h"
#include "screen/review_marks.h"
#include "screen/session.h"

#include <certdesk/v1/job_service.pb-c.h>
#include <certdesk/v1/staff_service.pb-c.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void give(struct once *o, const char *method, const char *job, char out[static ID_SIZE])
{
    Certdesk__V1__RetryJobRequest q = CERTDESK__V1__RETRY_JOB_REQUEST__INIT;
    q.job_id = (char *)(uintptr_t)job;
    once_id(o, method, &q.base);
    snprintf(out, ID_SIZE, "%s", q.request_id);
    assert_true(id_valid("req", out));
}

static void the_same_action_keeps_its_id_until_settled(void **state)
{
    struct once o = {0};
    char one[ID_SIZE], again[ID_SIZE], other[ID_SIZE];
    (void)state;
    give(&o, "RetryJob", "job_1", one);
    give(&o, "RetryJob", "job_2", other);
    assert_string_not_equal(one, other);
    static const enum err open[] = {ERR_UNAVAILABLE, ERR_DEADLINE, ERR_UNKNOWN_OUTCOME, ERR_EXHAUSTED,
                                    ERR_INTERNAL};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        once_settle(&o, one, open[i]);
        give(&o, "RetryJob", "job_1", again);
        assert_string_equal(one, again);
    }
    give(&o, "Other", "job_1", again);
    assert_string_not_equal(one, again);
    once_settle(&o, one, OK);
    give(&o, "RetryJob", "job_1", again);
    assert_string_not_equal(one, again);
    once_settle(&o, other, ERR_ORDER_STATE);
    give(&o, "RetryJob", "job_2", again);
    assert_string_not_equal(other, again);
    once_free(&o);
}

static void marks_stand_for_the_same_bytes_only(void **state)
{
    Certdesk__V1__Material m1 = CERTDESK__V1__MATERIAL__INIT, m2 = CERTDESK__V1__MATERIAL__INIT;
    Certdesk__V1__Material *all[] = {&m1, &m2};
    struct marks m = {0};
    (void)state;
    m1.id = (char[]){"mat_1"};
    m1.digest = (char[]){"aa"};
    m2.id = (char[]){"mat_2"};
    m2.digest = (char[]){"bb"};
    m2.verdict = MARK_APPROVED; /* in an earlier round */
    marks_take(&m, all, 2);
    assert_int_equal(marks_count(&m, MARK_OPEN), 1);
    assert_int_equal(marks_find(&m, "mat_2")->verdict, MARK_APPROVED);
    marks_set(&m, "mat_1", MARK_REFUSED, "blurred");
    marks_take(&m, all, 2);
    assert_int_equal(marks_find(&m, "mat_1")->verdict, MARK_REFUSED);
    assert_string_equal(marks_find(&m, "mat_1")->reason, "blurred");
    m1.digest = (char[]){"cc"};
    marks_take(&m, all, 2);
    assert_int_equal(marks_find(&m, "mat_1")->verdict, MARK_OPEN);
    assert_string_equal(marks_find(&m, "none")->id, "");
}

static void json_has_names_and_no_secrets(void **state)
{
    Certdesk__V1__LoginStaffResponse r = CERTDESK__V1__LOGIN_STAFF_RESPONSE__INIT;
    Certdesk__V1__Staff s = CERTDESK__V1__STAFF__INIT;
    Google__Protobuf__Timestamp t = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Certdesk__V1__StaffRole roles[] = {CERTDESK__V1__STAFF_ROLE__STAFF_ROLE_REVIEWER,
                                       CERTDESK__V1__STAFF_ROLE__STAFF_ROLE_ADMIN};
    (void)state;
    s.name = (char[]){"张三"};
    s.roles = roles;
    s.n_roles = 2;
    t.seconds = 1795000000;
    r.staff = &s;
    r.token = (char[]){"very secret"};
    r.expire_time = &t;
    r.simulator = true;
    json_t *j = msg_json(&r.base);
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "{\"expire_time\":\"2026-11-18T11:06:40.000Z\",\"simulator\":true,\"staff\":{\"id\":\"\","
              "\"login\":\"\",\"name\":\"张三\",\"roles\":[\"STAFF_ROLE_REVIEWER\",\"STAFF_ROLE_ADMIN\"]}}");
    free(text);
    json_decref(j);
}

static void copies_are_whole(void **state)
{
    Certdesk__V1__Job job = CERTDESK__V1__JOB__INIT, *jobs[] = {&job};
    Certdesk__V1__ListJobsResponse r = CERTDESK__V1__LIST_JOBS_RESPONSE__INIT;
    ProtobufCMessage **rows;
    (void)state;
    job.id = (char[]){"job_1"};
    r.jobs = jobs;
    r.n_jobs = 1;
    r.next_page_token = (char[]){"next"};
    ProtobufCMessage *copy = msg_copy(&r.base);
    assert_int_equal(msg_rows(copy, &rows), 1);
    assert_string_equal(msg_text(rows[0], "id"), "job_1");
    assert_string_equal(msg_text(copy, "next_page_token"), "next");
    assert_string_equal(msg_text(copy, "no_such_field"), "");
    protobuf_c_message_free_unpacked(copy, NULL);
}

static void a_session_is_its_owners(void **state)
{
    char dir[] = "/tmp/session-test-XXXXXX", path[100];
    struct session s = {.server = "unix:/a",
                        .token = "t0ken",
                        .login = "z",
                        .name = "张三",
                        .simulator = true},
                   r;
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(dir));
    setenv("XDG_STATE_HOME", dir, 1);
    mode_t old = umask(0);
    assert_false(session_read(&r, "unix:/a"));
    assert_true(session_write(&s));
    umask(old);
    snprintf(path, sizeof path, "%s/certdesk/session", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(session_read(&r, "unix:/a"));
    assert_string_equal(r.token, "t0ken");
    assert_string_equal(r.name, "张三");
    assert_true(r.simulator);
    assert_false(session_read(&r, "unix:/b")); /* of another server */
    session_forget(&s);
    assert_string_equal(s.token, "");
    assert_int_not_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/certdesk", dir);
    rmdir(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_action_keeps_its_id_until_settled),
        cmocka_unit_test(marks_stand_for_the_same_bytes_only),
        cmocka_unit_test(json_has_names_and_no_secrets),
        cmocka_unit_test(copies_are_whole),
        cmocka_unit_test(a_session_is_its_owners),
    };
    return CHECK_MAIN(tests);
}
